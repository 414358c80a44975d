"""Checkpoints and their heads: load, masked LM, packed attention, classifier."""
