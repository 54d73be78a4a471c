"""Where an assigned partition stands, and how it gets from there to live."""
