"""The brokers, the five topics, and what this user may do with them."""

from collections.abc import Iterator

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import (
    AclOperation,
)

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.topics import describe_topics
from workers.errors import TopicLayoutError
from workers.topics import check_layout

__all__ = ["check_brokers", "check_permissions", "check_topics"]

_DAY_MS = 86_400_000


def check_brokers(site: Site) -> Iterator[Finding]:
    """Whether they answer, and how many there are."""
    config = site.config
    try:
        cluster = site.admin.describe_cluster(request_timeout=config.client_timeout_s).result(
            config.client_timeout_s
        )
    except (KafkaException, TimeoutError) as error:
        yield Finding.failed(
            "brokers",
            f"no answer from {config.bootstrap_servers}: {error}",
            "check bootstrap_servers, [kafka] security options, and that the brokers are up",
        )
        return
    site.topics = describe_topics(config)
    count = len(cluster.nodes)
    message = f"{count} broker(s), cluster {cluster.cluster_id}"
    if count < 3:
        remedy = "fine for development; in production three brokers survive the loss of one"
        yield Finding.warning("brokers", message, remedy)
    else:
        yield Finding.ok("brokers", message)


def check_topics(site: Site) -> Iterator[Finding]:
    """Existence, partition counts, and settings that would lose history."""
    if site.topics is None:
        yield Finding.skipped("topics", "the brokers did not answer")
        return
    names, counts = (
        site.config.topics,
        {name: info.partitions for name, info in site.topics.items()},
    )
    try:
        check_layout(names, counts)
    except TopicLayoutError as error:
        yield Finding.failed(
            "topics", str(error), "`tickfleet topics create` makes what is missing"
        )
    else:
        yield Finding.ok("topics", f"all five, {counts[names.ticks]} partitions")
    for name in (names.ticks, names.journal):
        info = site.topics.get(name)
        if info is None:
            continue
        if "compact" in info.config.get("cleanup.policy", "delete"):
            yield Finding.failed(
                "topics",
                f"{name} is compacted: recovery would find holes in its past",
                f"kafka-configs.sh --alter --topic {name} --add-config cleanup.policy=delete",
            )
        if 0 <= int(info.config.get("retention.ms", -1)) < _DAY_MS:
            yield Finding.warning(
                "topics",
                f"{name} keeps its records for less than a day",
                "set its retention.ms above the longest outage that recovery shall survive",
            )


def check_permissions(site: Site) -> Iterator[Finding]:
    """What the brokers say this user may do; clusters without an authoriser allow everything."""
    if not site.topics:
        yield Finding.skipped("permissions", "no topic to ask about")
        return
    names = site.config.topics
    needed = {
        names.ticks: {AclOperation.READ},
        names.predictions: {AclOperation.WRITE},
        names.flags: {AclOperation.WRITE},
        names.dead_letters: {AclOperation.WRITE},
        names.journal: {AclOperation.READ, AclOperation.WRITE},
    }
    futures = site.admin.describe_topics(
        TopicCollection(list(site.topics)),
        include_authorized_operations=True,
        request_timeout=site.config.client_timeout_s,
    )
    lacking = []
    for name, future in futures.items():
        allowed = future.result(site.config.client_timeout_s).authorized_operations
        if allowed is None:
            yield Finding.skipped("permissions", "the brokers do not tell what is allowed")
            return
        lacking += [f"{op.name} on {name}" for op in needed[name] - set(allowed)]
    if lacking:
        remedy = "grant it with kafka-acls.sh --add to the user of [kafka] sasl.username"
        yield Finding.failed("permissions", f"not allowed: {', '.join(sorted(lacking))}", remedy)
    else:
        yield Finding.ok("permissions", "topics may be read and written as a worker needs")
