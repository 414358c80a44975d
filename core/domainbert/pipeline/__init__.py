"""The two main paths, adapt and evaluate, and what their arguments mean."""
