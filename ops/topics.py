"""The topics of a fleet: which are missing, with how many partitions, and with what settings."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
)
from confluent_kafka.cimpl import NewTopic

from core.errors import FatalError, RetryableError
from workers.brokers.client_config import admin_settings
from workers.brokers.reasons import Reasons
from workers.brokers.topics import check_layout
from workers.config import Topics, WorkerConfig
from workers.errors import TopicLayoutError

__all__ = [
    "DEFAULT_PARTITIONS",
    "NoSuchTopicError",
    "TopicInfo",
    "TopicRefusedError",
    "TopicsError",
    "create_topics",
    "describe_topics",
]

DEFAULT_PARTITIONS: Final = 8
_BROKER_DEFAULT: Final = -1
_KAFKA_MAX_MESSAGE_BYTES: Final = 1_048_588
_POLL_S: Final = 0.1
_REFUSALS: Final = {
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.INVALID_CONFIG,
    KafkaError.POLICY_VIOLATION,
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
_SHOWN: Final = (
    "max.message.bytes",
    "retention.ms",
    "cleanup.policy",
    "min.insync.replicas",
    "unclean.leader.election.enable",
)


class NoSuchTopicError(FatalError):
    """The topic that a command is about does not exist."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"no topic {topic}: create it with `tickfleet topics create`, check its name, or have "
            "DESCRIBE on it granted to this user"
        )


class TopicRefusedError(FatalError):
    """The cluster will not have a topic as it is asked for."""


class TopicsError(RetryableError):
    """The cluster did not answer, or could not create a topic now."""


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """What a cluster says of one topic; `config` has the settings that matter here."""

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]


def describe_topics(config: WorkerConfig) -> dict[str, TopicInfo]:
    """The fleet's topics that exist, by name.

    Raises:
        TopicsError: the cluster did not answer.
    """
    reasons = Reasons()
    admin = AdminClient({**admin_settings(config), **reasons.options})
    try:
        metadata = admin.list_topics(timeout=config.client_timeout_s).topics
        there = [name for name in config.topics.all() if name in metadata]
        resources = [ConfigResource("topic", name) for name in there]
        configs = _configs(admin, resources, config.client_timeout_s)
    except KafkaException as error:
        raise TopicsError(
            f"no answer from {config.bootstrap_servers}: {reasons.told(admin, error)}"
        ) from error
    infos = {}
    for name in there:
        partitions = metadata[name].partitions.values()
        shown: dict[str, str] = {key: configs[name][key] for key in _SHOWN if key in configs[name]}
        replicas = min((len(one.replicas) for one in partitions), default=0)
        infos[name] = TopicInfo(name, len(partitions), replicas, shown)
    return infos


def _configs(
    admin: AdminClient, resources: list[ConfigResource], timeout_s: float
) -> dict[str, dict[str, str]]:
    """Each topic's settings; none where they may not be seen, which a worker need not."""
    configs: dict[str, dict[str, str]] = {}
    for resource, answer in (admin.describe_configs(resources) if resources else {}).items():
        configs[resource.name] = {}
        try:
            found = answer.result(timeout_s)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise
        else:
            configs[resource.name] = {key: str(entry.value) for key, entry in found.items()}
    return configs


def create_topics(
    config: WorkerConfig, *, partitions: int | None = None, replicas: int | None = None
) -> list[str]:
    """Create the topics that are missing and return their names.

    All get as many partitions as the ticks topic has or is to have: results and journal
    records go to their tick's partition number.

    Args:
        config: names the cluster and the topics.
        partitions: of a new ticks topic; None is DEFAULT_PARTITIONS.
        replicas: of new topics; None is the broker's default.

    Raises:
        TopicLayoutError: existing topics do not fit one another or `partitions`.
        TopicRefusedError: the cluster refuses one.
        TopicsError: the cluster did not answer.
    """
    existing = describe_topics(config)
    count = _partition_count(config.topics, existing, partitions)
    ticks = existing.get(config.topics.ticks)
    limit = _KAFKA_MAX_MESSAGE_BYTES
    if ticks and "max.message.bytes" in ticks.config:
        limit = int(ticks.config["max.message.bytes"])
    new = [
        NewTopic(
            name,
            num_partitions=count,
            replication_factor=replicas or _BROKER_DEFAULT,
            config=_topic_config(config.topics, name, limit, replicas or 0),
        )
        for name in config.topics.all()
        if name not in existing
    ]
    created = _create(config, new) if new else []
    infos = _wait_until_known(config)
    check_layout(config.topics, {name: info.partitions for name, info in infos.items()})
    return created


def _partition_count(topics: Topics, existing: Mapping[str, TopicInfo], wanted: int | None) -> int:
    ticks = existing.get(topics.ticks)
    if ticks is None:
        return wanted or DEFAULT_PARTITIONS
    if wanted not in (None, ticks.partitions):
        raise TopicLayoutError(
            f"{topics.ticks} exists with {ticks.partitions} partitions, not {wanted}: leave "
            "--partitions out, or name other topics in [topics]"
        )
    return ticks.partitions


def _topic_config(topics: Topics, name: str, input_limit: int, replicas: int) -> dict[str, str]:
    settings = {"min.insync.replicas": "2"} if replicas >= 3 else {}
    if name == topics.dead_letters:
        # A dead letter wraps a record that may be as large as the input topic allows.
        settings["max.message.bytes"] = str(2 * input_limit)
    return settings


def _create(config: WorkerConfig, new: list[NewTopic]) -> list[str]:
    admin = AdminClient(admin_settings(config))
    created = []
    for name, future in admin.create_topics(new).items():
        try:
            future.result(config.client_timeout_s)
            created.append(name)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                continue  # somebody was faster; whether it fits is checked afterwards
            kind = TopicRefusedError if error.args[0].code() in _REFUSALS else TopicsError
            raise kind(
                f"{name} could not be created: {error.args[0].str().rstrip('.')}. Check --replicas "
                "against the number of brokers, and the CREATE permission"
            ) from error
    return created


def _wait_until_known(config: WorkerConfig) -> dict[str, TopicInfo]:
    """A broker may acknowledge a topic shortly before it tells clients of it."""
    deadline_s = time.monotonic() + config.client_timeout_s
    while True:
        infos = describe_topics(config)
        if len(infos) == len(config.topics.all()) or time.monotonic() > deadline_s:
            return infos
        time.sleep(_POLL_S)
