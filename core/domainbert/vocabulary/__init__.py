"""Extend a tokenizer: measure how words are cut, choose entries, add them, start their rows."""
