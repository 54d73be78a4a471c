"""A stepped micro-batch as messages: results, flag events, dead letters, journal records."""
