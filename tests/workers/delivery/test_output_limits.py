"""What outputs make of what their topics take: told, not told, and changed."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import AdminClient, ConfigResource

from workers import Topics, WorkerConfig
from workers.brokers.client_config import producer_settings
from workers.delivery import outputs as outputs_module
from workers.delivery.at_least_once import AtLeastOnceOutputs
from workers.delivery.output_limits import OutputLimits
from workers.emission.burial import LETTER_LIMIT_BYTES

CONFIG = WorkerConfig("127.0.0.1:9", "group", "w-0", "file:///unused")
TOPICS = Topics()
DEFAULT = 1_048_588
DENIED = KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))


class Admin:
    """Tells what topics take: Kafka's default unless it was told otherwise, or an error."""

    def __init__(self, _settings: Mapping[str, Any] | None = None) -> None:
        self.limits: dict[str, int] = {}
        self.error: Exception | None = None

    def describe_topics(self, wanted: TopicCollection, **_: object) -> dict[str, "Future[Any]"]:
        """None of them is told of."""
        answers: dict[str, Future[Any]] = {name: Future() for name in wanted.topic_names}
        for answer in answers.values():
            answer.set_result(SimpleNamespace(authorized_operations=None))
        return answers

    def describe_configs(
        self, resources: Sequence[ConfigResource], *, request_timeout: float
    ) -> dict[ConfigResource, "Future[Any]"]:
        answers: dict[ConfigResource, Future[Any]] = {one: Future() for one in resources}
        for resource, answer in answers.items():
            if self.error is not None:
                answer.set_exception(self.error)
                continue
            limit = self.limits.get(resource.name, DEFAULT)
            answer.set_result({"max.message.bytes": SimpleNamespace(value=str(limit))})
        return answers


class Asked:
    """Limits, and brokers to ask."""

    def __init__(self, config: WorkerConfig = CONFIG) -> None:
        self.config, self.admin = config, Admin()
        self.limits = OutputLimits(config)

    def ask(self, **limits: int) -> tuple[int, int]:
        """The largest batch and the largest letter after another look at the topics."""
        self.admin.limits = {getattr(TOPICS, name): limit for name, limit in limits.items()}
        self.limits.ask(cast(AdminClient, self.admin), 1.0)
        return self.known

    @property
    def known(self) -> tuple[int, int]:
        settings = producer_settings(self.config, lambda _error: None)
        return self.limits.fit(settings)["batch.size"], self.limits.letter_bytes()


def test_batches_fit_the_least_of_the_topics_and_letters_their_own() -> None:
    asked = Asked()
    assert asked.known == (1_000_000, LETTER_LIMIT_BYTES)
    assert asked.ask(dead_letters=4_000_000) == (1_000_000, 3_995_904)
    assert asked.ask(dead_letters=4_000_000, predictions=20_000) == (20_000, 3_995_904)
    assert asked.ask(journal=30_000, predictions=40_000) == (30_000, DEFAULT - 4_096)
    assert asked.ask(flags=50_000, dead_letters=500_000) == (50_000, 495_904)
    assert asked.ask() == (1_000_000, DEFAULT - 4_096)


def test_the_producers_own_settings_are_never_exceeded() -> None:
    own = {"batch.size": "30000", "message.max.bytes": "2000000"}
    asked = Asked(replace(CONFIG, producer=own))
    assert asked.ask(dead_letters=4_000_000) == (30_000, 1_995_904)
    assert asked.ask(predictions=20_000) == (20_000, DEFAULT - 4_096)


@pytest.mark.parametrize("error", [DENIED, TimeoutError()])
def test_without_an_answer_what_was_known_holds(error: Exception) -> None:
    asked = Asked()
    asked.admin.error = error
    assert asked.ask() == (1_000_000, LETTER_LIMIT_BYTES)
    asked.admin.error = None
    known = asked.ask(predictions=20_000, dead_letters=2_000_000)
    asked.admin.error = error
    assert asked.ask() == known == (20_000, 1_995_904)


def test_nothing_is_cut_for_a_topic_that_takes_no_record() -> None:
    """It has to be mended, and then takes whole letters again."""
    asked = Asked()
    known = asked.ask(dead_letters=2_000_000)
    assert asked.ask(dead_letters=79, predictions=79) == known


def test_each_restart_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    batches: list[int] = []

    def make(settings: dict[str, Any]) -> Producer:
        batches.append(settings["batch.size"])
        return cast(Producer, SimpleNamespace(poll=lambda _s: 0, purge=lambda **_named: None))

    monkeypatch.setattr(outputs_module, "AdminClient", lambda _settings: asked.admin)
    monkeypatch.setattr(outputs_module, "Producer", make)
    outputs = AtLeastOnceOutputs(CONFIG, asked.limits)
    for limit in (DEFAULT, 20_000, DEFAULT):
        asked.admin.limits[TOPICS.predictions] = limit
        outputs.restart()
    assert batches == [1_000_000, 20_000, 1_000_000]
