"""The process around a pipeline: signals, start and end."""
