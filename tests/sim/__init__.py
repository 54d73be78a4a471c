"""The worker's own code against an in-memory broker, store and clock, under a seeded scheduler."""
