"""Continued masked-LM pretraining."""
