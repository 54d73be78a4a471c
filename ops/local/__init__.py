"""Real services on loopback from Python packages alone: Apache Kafka, and an S3 endpoint."""

from ops.local.errors import (
    ArtifactError,
    LocalDependencyError,
    LocalStartError,
    StackStateError,
)
from ops.local.kafka import LocalKafka
from ops.local.s3 import LocalS3
from ops.local.storage import BROKER_DEFAULTS, FAST_START

__all__ = [
    "BROKER_DEFAULTS",
    "FAST_START",
    "ArtifactError",
    "LocalDependencyError",
    "LocalKafka",
    "LocalS3",
    "LocalStartError",
    "StackStateError",
]
