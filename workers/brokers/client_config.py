"""librdkafka settings of the worker's clients: what we require, and what the operator may change.

Required settings carry the exactly-once promise, so an operator's value for one of them is
refused by name; defaults are ours and may be overridden.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from confluent_kafka import KafkaError

from workers.config import Delivery, GroupProtocol, WorkerConfig
from workers.errors import ConfigurationError

__all__ = [
    "CONGESTED_MESSAGES",
    "admin_settings",
    "base_settings",
    "consumer_settings",
    "producer_settings",
    "reader_settings",
]

_Settings = dict[str, Any]
_ERROR_CALLBACK: Final = "error_cb"
_QUEUE: Final = "queue.buffering.max.messages"
CONGESTED_MESSAGES: Final = 100_000
"""In the producer's queue: no more is taken before there are fewer."""
_MESSAGES_A_RECORD: Final = 4
"""A result and what flags it raises and clears; seldom more than one."""


def base_settings(config: WorkerConfig) -> _Settings:
    """Settings of every client: where the cluster is, and the operator's common options."""
    return {
        "bootstrap.servers": config.bootstrap_servers,
        # The default waits up to 10 s before it tries a broker again that has long come back.
        "reconnect.backoff.max.ms": 1_000,
        **config.kafka,
    }


def admin_settings(config: WorkerConfig) -> _Settings:
    """A client that asks the brokers, and is often let go at once.

    At librdkafka's own level each may tell that it drops what nobody waits for any more, which is
    no news. Disconnections are of that level, too: consumers and producers tell of them.
    """
    return {"log_level": 5, **base_settings(config)}


def consumer_settings(config: WorkerConfig, on_error: Callable[[KafkaError], None]) -> _Settings:
    """The group member that takes ticks."""
    required: _Settings = {
        "group.id": config.group_id,
        "group.protocol": str(config.group_protocol),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # A silent jump to either end would lose or double ticks; recovery decides positions.
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "allow.auto.create.topics": False,
        _ERROR_CALLBACK: on_error,
    }
    if config.static_membership:
        required["group.instance.id"] = config.worker_id
    defaults: _Settings = {
        "client.id": f"tickfleet-{config.worker_id}",
        "fetch.wait.max.ms": 100,
        # A worker that is behind takes whole micro-batches: the fuller, the fuller its tiles.
        "queued.max.messages.kbytes": 65_536,
        "queued.min.messages": 100_000,
    }
    if config.group_protocol is GroupProtocol.CLASSIC:
        # Under KIP-848 the broker owns these two.
        required["partition.assignment.strategy"] = "cooperative-sticky"
        required["session.timeout.ms"] = config.session_timeout_ms
        defaults["heartbeat.interval.ms"] = max(config.session_timeout_ms // 4, 500)
    return _merge(config, config.consumer, defaults, required, table="consumer")


def producer_settings(config: WorkerConfig, on_error: Callable[[KafkaError], None]) -> _Settings:
    """The producer of results, flags, dead letters and journal records."""
    required: _Settings = {
        "enable.idempotence": True,
        # Results are many and their success is the transaction's: only failures are reported.
        "delivery.report.only.error": True,
        _ERROR_CALLBACK: on_error,
    }
    if config.delivery is Delivery.EXACTLY_ONCE:
        required["transactional.id"] = config.transactional_id
        required["transaction.timeout.ms"] = config.transaction_timeout_ms
    defaults: _Settings = {
        "client.id": f"tickfleet-{config.worker_id}",
        # Back-to-back transactions meet CONCURRENT_TRANSACTIONS while the previous markers are
        # being written; at the default backoff each such meeting costs 100 ms.
        "retry.backoff.ms": 5,
        "linger.ms": 2,
        _QUEUE: 500_000,
        "queue.buffering.max.kbytes": 262_144,
        # A dead letter wraps a record that may itself be as large as the broker allows.
        "message.max.bytes": 8_000_000,
        "partitioner": "murmur2_random",
        "compression.type": "lz4",
    }
    if config.delivery is Delivery.AT_LEAST_ONCE:
        defaults["message.timeout.ms"] = 30_000
    settings = _merge(config, config.producer, defaults, required, table="producer")
    _check_room(config, int(settings[_QUEUE]))
    return settings


def _check_room(config: WorkerConfig, queue: int) -> None:
    """A batch that the queue cannot hold would fail for ever."""
    needed = CONGESTED_MESSAGES + _MESSAGES_A_RECORD * config.max_batch_records
    if 0 < queue < needed:  # 0: without a limit
        raise ConfigurationError(
            f"max_batch_records = {config.max_batch_records} takes {needed} in [kafka.producer] "
            f"{_QUEUE}, which is {queue}: raise that, or lower max_batch_records"
        )


def reader_settings(config: WorkerConfig) -> _Settings:
    """A consumer outside the group's membership: reads commits, the journal and watermarks."""
    return {
        **base_settings(config),
        "group.id": config.group_id,
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "allow.auto.create.topics": False,
        "fetch.wait.max.ms": 50,
    }


def _merge(
    config: WorkerConfig,
    chosen: Mapping[str, str],
    defaults: _Settings,
    required: _Settings,
    *,
    table: str,
) -> _Settings:
    refused = sorted(required.keys() & {*chosen, *config.kafka})
    if refused:
        raise ConfigurationError(
            f"{', '.join(refused)} in [kafka.{table}] is set by TickFleet itself: remove it "
            "(group, worker id, timeouts and delivery have settings of their own)"
        )
    return {**defaults, **base_settings(config), **chosen, **required}
