"""Results of a run into topics, each once."""
