"""One run: its folder, lock, metrics, processes, device, signals and progress."""
