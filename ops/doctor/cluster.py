"""The brokers and the five topics."""

from collections.abc import Iterator

from confluent_kafka import KafkaException

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.topics import describe_topics
from workers.errors import TopicLayoutError
from workers.topics import check_layout

__all__ = ["check_brokers", "check_topics"]

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
