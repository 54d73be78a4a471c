"""A range of a topic: its offsets, fetched without a gap and merged, and what live did there."""
