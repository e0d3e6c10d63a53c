"""What a pipeline file means: every setting, every column, every step, before anything runs."""
