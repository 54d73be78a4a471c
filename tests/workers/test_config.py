"""Settings that contradict one another are refused by name."""

from typing import Any

import pytest

from workers import (
    ConfigurationError,
    Delivery,
    TopicLayoutError,
    Topics,
    WorkerConfig,
    check_layout,
)
from workers.brokers.client_config import consumer_settings, producer_settings

BASE: dict[str, Any] = {
    "bootstrap_servers": "localhost:1",
    "group_id": "g",
    "worker_id": "w",
    "snapshot_url": "file:///s",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("worker_id", ""),
        ("commit_interval_ms", 0),
        ("snapshot_interval_s", -1.0),
        ("cold_start_rewind", -1),
        ("commit_interval_ms", 5_000),
    ],
)
def test_a_value_out_of_range_is_named(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=field):
        WorkerConfig(**{**BASE, field: value})


def test_an_option_that_carries_the_guarantee_cannot_be_overridden() -> None:
    config = WorkerConfig(**BASE, consumer={"enable.auto.commit": "true"})
    with pytest.raises(ConfigurationError, match=r"enable\.auto\.commit"):
        consumer_settings(config, lambda _error: None)
    config = WorkerConfig(**BASE, kafka={"transactional.id": "mine"})
    with pytest.raises(ConfigurationError, match=r"transactional\.id"):
        producer_settings(config, lambda _error: None)


def test_an_operators_option_beats_our_default() -> None:
    config = WorkerConfig(**BASE, producer={"linger.ms": "50"}, kafka={"client.id": "desk"})
    settings = producer_settings(config, lambda _error: None)
    assert settings["linger.ms"] == "50"
    assert settings["client.id"] == "desk"


@pytest.mark.parametrize(
    ("batch", "queue", "room"),
    [(1_000, "104000", True), (1_000, "103999", False), (1_000_000, "0", True)],
)
def test_a_batch_must_find_room_in_the_producers_queue(
    batch: int, queue: str, *, room: bool
) -> None:
    options = {"queue.buffering.max.messages": queue}
    config = WorkerConfig(**BASE, max_batch_records=batch, producer=options)
    if room:
        assert (
            producer_settings(config, lambda _error: None)["queue.buffering.max.messages"] == queue
        )
        return
    with pytest.raises(ConfigurationError, match=r"max_batch_records = 1000 takes 104000"):
        producer_settings(config, lambda _error: None)


def test_at_least_once_has_no_transactional_id() -> None:
    config = WorkerConfig(**BASE, delivery=Delivery.AT_LEAST_ONCE)
    assert "transactional.id" not in producer_settings(config, lambda _error: None)


def test_topics_must_exist_and_be_co_partitioned() -> None:
    topics = Topics()
    counts = {"ticks": 8, "predictions": 8, "flags": 1, "dead-letters": 1, "journal": 8}
    check_layout(topics, counts)
    with pytest.raises(TopicLayoutError, match="journal"):
        check_layout(topics, {k: v for k, v in counts.items() if k != "journal"})
    with pytest.raises(TopicLayoutError, match="predictions has 4"):
        check_layout(topics, {**counts, "predictions": 4})


def test_options_that_may_hold_secrets_are_not_in_the_repr() -> None:
    secret = {"sasl.password": "hunter2"}
    config = WorkerConfig(
        **BASE, kafka=secret, consumer=secret, producer=secret, schema_registry=secret
    )
    assert "hunter2" not in repr(config)
