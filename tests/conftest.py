"""Fixtures that every room's tests can ask for, and one cache of executables for all processes."""

from ops.compile_cache import keep_executables
from tests.fixtures.kafka import kafka
from tests.fixtures.registry import registry_url

__all__ = ["kafka", "registry_url"]

keep_executables()
