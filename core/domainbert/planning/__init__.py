"""What a run takes: steps, time and memory, before it starts."""
