"""Source stage: hands over raw batches and knows nothing of what becomes of them."""
