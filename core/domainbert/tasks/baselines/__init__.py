"""Baselines: predictors without a neural network, on the same split and in the same table."""
