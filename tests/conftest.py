"""Fixtures that every room's tests can ask for, and one cache of executables for all processes."""

from ops.compile_cache import keep_executables
from tests.fixtures.kafka import kafka
from tests.fixtures.registry import registry_url
from tests.fixtures.s3 import bucket, s3_admin, s3_credentials, s3_endpoint

__all__ = ["bucket", "kafka", "registry_url", "s3_admin", "s3_credentials", "s3_endpoint"]

keep_executables()
