"""Which columns a pipeline has; decoding itself is the core's."""
