"""Columns, declared or inferred, and the decoder as a library; decoding itself is the core's."""
