"""What this user may do: topics, group, transactional id. docs/security.md has the whole table."""

from collections.abc import Iterator

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AclOperation

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from workers.brokers.client_config import base_settings
from workers.brokers.rights import lacking_on_topics
from workers.config import Delivery
from workers.group.view import rights_in_group

__all__ = ["check_permissions"]

_REMEDY = "grant it with kafka-acls.sh --add, as the table in docs/security.md"


def check_permissions(site: Site) -> Iterator[Finding]:
    """What the brokers say is allowed; clusters without an authoriser allow everything."""
    if not site.topics:
        yield Finding.skipped("permissions", "no topic to ask about")
        return
    lacking = _lacking_on_topics(site)
    if lacking is None:
        yield Finding.skipped("permissions", "the brokers do not tell what is allowed")
    elif lacking:
        yield Finding.failed("permissions", f"not allowed: {', '.join(lacking)}", _REMEDY)
    else:
        yield Finding.ok("permissions", "topics may be read and written as a worker needs")
    yield from _group(site)
    if site.config.delivery is Delivery.EXACTLY_ONCE:
        yield from _transactional_id(site)


def _lacking_on_topics(site: Site) -> list[str] | None:
    """Operations that are needed and not allowed; None when the brokers do not say."""
    names, timeout_s = site.config.topics, site.config.client_timeout_s
    needed = {
        names.ticks: {AclOperation.READ},
        names.predictions: {AclOperation.WRITE},
        names.flags: {AclOperation.WRITE},
        names.dead_letters: {AclOperation.WRITE},
        names.journal: {AclOperation.READ, AclOperation.WRITE},
    }
    asked = {name: needed[name] for name in site.topics or {}}
    return lacking_on_topics(site.admin, asked, timeout_s)


def _group(site: Site) -> Iterator[Finding]:
    """Nothing is said where nothing is told: who is in the group is another check's."""
    try:
        allowed = rights_in_group(site.config)
    except (KafkaException, TimeoutError):
        return
    if allowed is not None and AclOperation.READ not in allowed:
        lacking = f"not allowed: READ on the group {site.config.group_id}"
        yield Finding.failed("permissions", lacking, _REMEDY)


def _transactional_id(site: Site) -> Iterator[Finding]:
    """Begin as a worker does, under an id that no worker has; nothing is sent."""
    config = site.config
    name = f"{config.group_id}-doctor"
    producer = Producer(
        {**base_settings(config), **config.producer, "transactional.id": name, "log_level": 0}
    )
    try:
        producer.init_transactions(config.client_timeout_s)
    except KafkaException as error:
        yield Finding.failed("permissions", f"transactional id {name}: {error}", _REMEDY)
    else:
        yield Finding.ok("permissions", f"transactional ids {config.group_id}-* may be used")
