"""A run cut over several processes and merged again."""
