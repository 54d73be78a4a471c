"""A micro-batch from records to steps: what is to be answered, under which decisions."""
