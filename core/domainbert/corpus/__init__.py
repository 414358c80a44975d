"""From files to a token store: read, clean, tokenise, hold out."""
