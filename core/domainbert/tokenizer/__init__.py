"""Tokenizers: load, measure, extend a WordPiece vocabulary."""
