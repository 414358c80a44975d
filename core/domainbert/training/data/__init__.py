"""From token store to masked micro-batches."""
