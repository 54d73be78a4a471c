"""Results and flag events of a run against what live published."""
