"""The topics a worker needs: checked before it joins, created by `tickfleet topics create`."""

from collections.abc import Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from workers.brokers.client_config import admin_settings
from workers.brokers.reasons import Reasons
from workers.config import Topics, WorkerConfig
from workers.errors import StalledClientError, TopicLayoutError

__all__ = ["check_layout", "check_topics"]


def check_topics(config: WorkerConfig) -> None:
    """Ask the cluster for the topics and check their layout.

    Raises:
        StalledClientError: the cluster did not answer.
        TopicLayoutError: see `check_layout`.
    """
    reasons = Reasons()
    admin = AdminClient({**admin_settings(config), **reasons.options})
    try:
        metadata = admin.list_topics(timeout=config.client_timeout_s)
    except KafkaException as error:
        raise StalledClientError(
            f"no answer from {config.bootstrap_servers} within {config.client_timeout_s:.0f} s: "
            f"{reasons.told(admin, error)}"
        ) from error
    counts = {name: len(topic.partitions) for name, topic in metadata.topics.items()}
    check_layout(config.topics, counts)


def check_layout(topics: Topics, partition_counts: Mapping[str, int]) -> None:
    """Predictions and journal must be co-partitioned with ticks.

    Raises:
        TopicLayoutError: a topic is missing, or its partition count does not fit.
    """
    missing = [name for name in topics.all() if not partition_counts.get(name)]
    if missing:
        raise TopicLayoutError(
            f"missing topics: {', '.join(missing)}. Create them with `tickfleet topics create`; if "
            "they are there, this user lacks DESCRIBE on them"
        )
    wanted = partition_counts[topics.ticks]
    for name in (topics.predictions, topics.journal):
        if partition_counts[name] < wanted:
            raise TopicLayoutError(
                f"{name} has {partition_counts[name]} partitions, {topics.ticks} has {wanted}: "
                f"add partitions to {name} with kafka-topics.sh --alter"
            )
