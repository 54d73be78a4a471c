"""The brokers and the five topics."""

from collections.abc import Iterator, Mapping

from confluent_kafka import KafkaException

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.topics import TopicInfo, describe_topics
from workers.brokers.topics import check_layout
from workers.config import Topics
from workers.delivery.output_limits import FULL_BATCH_BYTES, LEAST_LIMIT_BYTES
from workers.errors import TopicLayoutError

__all__ = ["check_brokers", "check_topics"]

_DAY_MS = 86_400_000
_LIMIT = "max.message.bytes"


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
            f"no answer from {config.bootstrap_servers}: {site.reasons.why(site.admin, error)}",
            "check bootstrap_servers, [kafka] security options, and that the brokers are up",
        )
        return
    site.topics = describe_topics(config)
    site.brokers = len(cluster.nodes)
    message = f"{site.brokers} broker(s), cluster {cluster.cluster_id}"
    if site.brokers < 3:
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
            "topics",
            str(error),
            "`tickfleet topics create` makes what is missing; docs/security.md has the rights",
        )
    else:
        yield Finding.ok("topics", f"all five, {counts[names.ticks]} partitions")
    yield from _compacted(names, site.topics)
    for name in (names.ticks, names.journal):
        info = site.topics.get(name)
        if info is None:
            continue
        if 0 <= int(info.config.get("retention.ms", -1)) < _DAY_MS:
            yield Finding.warning(
                "topics",
                f"{name} keeps its records for less than a day",
                "set its retention.ms above the longest outage that recovery shall survive",
            )
    yield from _limits(names, site.topics)


def _compacted(names: Topics, topics: Mapping[str, TopicInfo]) -> Iterator[Finding]:
    """Of predictions alone, each of which has a key, it may be meant."""
    keyless = "it takes no record without a key, and a worker that has one stands still"
    effects = {
        names.ticks: "recovery would find holes in its past",
        names.journal: keyless,
        names.flags: keyless,
        names.dead_letters: keyless,
    }
    for name, effect in effects.items():
        if name in topics and "compact" in topics[name].config.get("cleanup.policy", "delete"):
            yield Finding.failed(
                "topics",
                f"{name} is compacted: {effect}",
                f"kafka-configs.sh --alter --topic {name} --add-config cleanup.policy=delete",
            )


def _limits(names: Topics, topics: Mapping[str, TopicInfo]) -> Iterator[Finding]:
    """What the output topics take at once, where the brokers tell."""
    limits = {
        name: int(info.config[_LIMIT]) for name, info in topics.items() if _LIMIT in info.config
    }
    remedy = f"kafka-configs.sh --alter --topic TOPIC --add-config {_LIMIT}=BYTES"
    for name in names.outputs():
        limit = limits.get(name, FULL_BATCH_BYTES)
        if limit < LEAST_LIMIT_BYTES:
            message = f"{name} takes {limit} bytes at once: too little for some records"
            yield Finding.failed("topics", message, remedy)
        elif limit < FULL_BATCH_BYTES:
            message = f"{name} takes {limit} bytes at once: workers write in smaller batches"
            yield Finding.warning("topics", message, remedy)
    largest, letter = limits.get(names.ticks), limits.get(names.dead_letters)
    if largest and letter and letter < largest:
        message = f"{names.dead_letters} takes {letter} bytes, {names.ticks} {largest}: what is "
        yield Finding.warning("topics", f"{message}larger is cut in its letter", remedy)
