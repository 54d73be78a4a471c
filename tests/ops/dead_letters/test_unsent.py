"""Whoever sends dead letters again and gets no answer is told so, and what right is lacking."""

import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final, NoReturn

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from core.errors import TickFleetError
from ops.dead_letters import ReplayError, ReplayReport, replay_dead_letters
from schemas import DeadLetterCodec, ErrorClass, RegistryRefusedError, UndecodableError
from schemas.errors import RegistryUnavailableError
from tests.sim.broker import Entry
from tests.sim.clients import SimMessage
from workers import WorkerConfig
from workers.errors import NotAllowedError

_CONFIG: Final = WorkerConfig("b:1", "fleet", "w", "file:///unused", client_timeout_s=0.3)
_TOPIC: Final = _CONFIG.topics.dead_letters


def _message(code: int) -> SimMessage:
    error = KafkaError(code) if code != KafkaError.NO_ERROR else None
    return SimMessage(_TOPIC, 0, Entry(0, None, None), error)


class Reader:
    """A consumer of one partition, as the client's behaves where a right is lacking.

    Args:
        progress: what it tells of the group; None: nothing, ever.
        comes: the codes of what it yields, each once; None for nothing yet.
        end: of the partition when it is asked.
    """

    def __init__(
        self, progress: TopicPartition | None, comes: Sequence[int | None], *, end: int = 1
    ) -> None:
        self._progress = progress
        self._comes = list(comes)
        self._end = end

    def list_topics(self, topic: str, _timeout_s: float) -> object:
        return SimpleNamespace(topics={topic: SimpleNamespace(partitions={0: None}, error=None)})

    def committed(self, _places: object, timeout_s: float = -1.0) -> list[TopicPartition]:
        assert timeout_s == _CONFIG.client_timeout_s, "without one it waits for ever"
        if self._progress is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return [self._progress]

    def get_watermark_offsets(self, _place: object, timeout_s: float) -> tuple[int, int]:
        assert timeout_s == _CONFIG.client_timeout_s
        return 0, self._end

    def assign(self, _places: object) -> None:
        """From where the progress says."""

    def consume(self, _most: int, _timeout_s: float) -> list[SimMessage]:
        code = self._comes.pop(0) if self._comes else None
        return [] if code is None else [_message(code)]

    def close(self) -> None:
        """Nothing to leave."""


def _refused_place() -> Any:
    """As the client gives it: the error of a place cannot be set."""
    return SimpleNamespace(
        partition=0, offset=-1001, error=KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    )


def _counted(monkeypatch: pytest.MonkeyPatch, reader: Reader) -> ReplayReport:
    monkeypatch.setattr("ops.dead_letters.unsent.Consumer", lambda _settings: reader)
    return replay_dead_letters(_CONFIG, "UnknownSchema", dry_run=True)


@pytest.mark.parametrize("dry_run", [True, False])
def test_brokers_that_are_away_are_to_be_looked_at(*, dry_run: bool) -> None:
    nowhere = replace(_CONFIG, bootstrap_servers="127.0.0.1:1")
    with pytest.raises(ReplayError, match=r"dead-letters: .*refused.* Check bootstrap_servers"):
        replay_dead_letters(nowhere, "UnknownSchema", dry_run=dry_run)


def test_the_right_on_the_group_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(None, [KafkaError.GROUP_AUTHORIZATION_FAILED])
    with pytest.raises(NotAllowedError, match=r"READ on fleet\.dead-letters\.UnknownSchema"):
        _counted(monkeypatch, reader)


def test_the_right_on_the_transactions_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> NoReturn:
        raise KafkaException(KafkaError(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED))

    reader = Reader(TopicPartition(_TOPIC, 0, 0), [])
    monkeypatch.setattr("ops.dead_letters.unsent.Consumer", lambda _settings: reader)
    monkeypatch.setattr("ops.dead_letters.replay.Copies", refused)
    with pytest.raises(NotAllowedError, match=r"WRITE on fleet\.dead-letters\.UnknownSchema"):
        replay_dead_letters(_CONFIG, "UnknownSchema", dry_run=False)


def test_no_word_of_the_group_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReplayError, match=r"^dead letters: Local: Timed out; run the command"):
        _counted(monkeypatch, Reader(None, []))


def test_a_partition_whose_progress_is_not_told_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(NotAllowedError, match="READ on dead-letters, WRITE on ticks"):
        _counted(monkeypatch, Reader(_refused_place(), [KafkaError._PARTITION_EOF]))


def test_silence_before_the_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ReplayError, match="the end is not reached"):
        _counted(monkeypatch, Reader(TopicPartition(_TOPIC, 0, 5), []))


def test_the_time_that_letters_take_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_codec: DeadLetterCodec, _value: bytes) -> NoReturn:
        time.sleep(2 * _CONFIG.client_timeout_s)
        raise UndecodableError(ErrorClass.UNDECODABLE, "somebody else's record")

    monkeypatch.setattr(DeadLetterCodec, "decode", slow)
    comes = [KafkaError.NO_ERROR, None, KafkaError._PARTITION_EOF]
    reader = Reader(TopicPartition(_TOPIC, 0, 5), comes)
    assert _counted(monkeypatch, reader) == ReplayReport(0, 0, ())


def test_the_end_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(TopicPartition(_TOPIC, 0, 5), [KafkaError._PARTITION_EOF])
    assert _counted(monkeypatch, reader) == ReplayReport(0, 0, ())


def test_what_is_refused_meanwhile_is_for_another_run(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(TopicPartition(_TOPIC, 0, 0), [KafkaError.NO_ERROR], end=0)
    assert _counted(monkeypatch, reader) == ReplayReport(0, 0, ())


@pytest.mark.parametrize("error", [RegistryUnavailableError, RegistryRefusedError])
def test_a_registry_that_does_not_tell_is_an_error(
    monkeypatch: pytest.MonkeyPatch, error: type[TickFleetError]
) -> None:
    def unread(_codec: DeadLetterCodec, _value: bytes) -> NoReturn:
        raise error("schema id 1: no answer")

    monkeypatch.setattr(DeadLetterCodec, "decode", unread)
    comes = [KafkaError.NO_ERROR, KafkaError._PARTITION_EOF]
    with pytest.raises(error, match="no answer"):
        _counted(monkeypatch, Reader(TopicPartition(_TOPIC, 0, 5), comes))
