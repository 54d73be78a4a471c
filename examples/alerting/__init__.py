"""A consumer of flag events with deduplication and a webhook; see README.md beside it."""
