"""Runs the checks in the order in which one depends on another."""

from collections.abc import Callable, Iterator
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from core.errors import TickFleetError
from ops.doctor.answered import check_answered
from ops.doctor.cluster import check_brokers, check_topics
from ops.doctor.commits import check_commits
from ops.doctor.decisions import check_config
from ops.doctor.features import check_features
from ops.doctor.finding import Finding
from ops.doctor.membership import check_group
from ops.doctor.permissions import check_permissions
from ops.doctor.programs import check_programs
from ops.doctor.registry import check_registry
from ops.doctor.replication import check_replication
from ops.doctor.site import Site
from ops.doctor.storage import check_store
from ops.doctor.strangers import check_strangers
from ops.doctor.transactions import check_transactions
from workers.brokers.client_config import admin_settings
from workers.brokers.reasons import Reasons
from workers.config import WorkerConfig

__all__ = ["examine"]

_Check = Callable[[Site], Iterator[Finding]]
_CHECKS: Final[tuple[tuple[str, _Check], ...]] = (
    ("programs", check_programs),
    ("brokers", check_brokers),
    ("topics", check_topics),
    ("topics", check_replication),
    ("permissions", check_permissions),
    ("features", check_features),
    ("store", check_store),
    ("registry", check_registry),
    ("group", check_group),
    ("transactions", check_transactions),
    ("commits", check_commits),
    ("snapshots", check_strangers),
    ("journal", check_answered),
    ("config", check_config),
)


def examine(config: WorkerConfig) -> Iterator[Finding]:
    """All findings, as they are made. Never raises for what it finds."""
    reasons = Reasons()
    admin = AdminClient({**admin_settings(config), **reasons.options})
    site = Site(config, admin, reasons)
    for name, check in _CHECKS:
        try:
            yield from check(site)
        except (TickFleetError, KafkaException, TimeoutError) as error:
            yield Finding.failed(name, str(error), "see the message")
