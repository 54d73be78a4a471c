"""Real services on loopback without Docker: Apache Kafka, an S3 endpoint, a schema registry."""

from ops.local.cluster import LocalCluster
from ops.local.errors import (
    ArtifactError,
    LocalDependencyError,
    LocalStartError,
    StackStateError,
)
from ops.local.kafka import LocalKafka
from ops.local.listeners import Listener
from ops.local.registry import LocalRegistry
from ops.local.s3 import LocalS3
from ops.local.storage import BROKER_DEFAULTS, FAST_START

__all__ = [
    "BROKER_DEFAULTS",
    "FAST_START",
    "ArtifactError",
    "Listener",
    "LocalCluster",
    "LocalDependencyError",
    "LocalKafka",
    "LocalRegistry",
    "LocalS3",
    "LocalStartError",
    "StackStateError",
]
