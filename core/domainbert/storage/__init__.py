"""Files that are whole or absent: write, hash, download."""
