"""Labelled tasks: read, fine-tune, score."""
