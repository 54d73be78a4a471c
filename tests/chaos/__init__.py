"""Faults of every kind against a real fleet, judged by an oracle of its own."""
