"""Fixtures that every room's tests can ask for."""

from tests.fixtures.kafka import kafka

__all__ = ["kafka"]
