"""`penstock demo`: generated agent events, an embedded broker, and a real pipeline between them."""
