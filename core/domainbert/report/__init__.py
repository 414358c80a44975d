"""Results, statistics and the model card."""
