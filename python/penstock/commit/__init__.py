"""Make written files visible together with the source positions, exactly once."""
