"""Store the bytes of data files where no reader sees them yet, and decide when a file is full."""
