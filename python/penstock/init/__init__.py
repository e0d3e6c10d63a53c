"""A first pipeline file: from a sample, from a topic, or with events of its own."""
