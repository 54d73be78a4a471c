"""Fixtures that every room's tests can ask for, and one cache of executables for all processes."""

from hypothesis import settings

from ops.compile_cache import keep_executables
from tests.fixtures.kafka import kafka
from tests.fixtures.registry import registry_url
from tests.fixtures.s3 import bucket, s3_admin, s3_credentials, s3_endpoint

__all__ = ["bucket", "kafka", "registry_url", "s3_admin", "s3_credentials", "s3_endpoint"]

keep_executables()
# An example that takes long says something of the machine, and nothing of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
