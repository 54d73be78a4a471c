"""What the group has committed: a commit that is not told is not none."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final

import pytest
from confluent_kafka import KafkaError, TopicPartition

from ops.fleet import FleetUnreadableError, committed
from workers import WorkerConfig

_CONFIG: Final = WorkerConfig("b:1", "fleet", "w", "file:///unused", client_timeout_s=1.0)
_NONE: Final = -1001


def _place(number: int, offset: int, error: int | None = None) -> Any:
    """As the client gives it: the error of a place cannot be set."""
    told = None if error is None else KafkaError(error)
    return SimpleNamespace(partition=number, offset=offset, metadata="m", error=told)


def _reader(monkeypatch: pytest.MonkeyPatch, answers: Sequence[list[Any]]) -> None:
    left = list(answers)

    def answer(wanted: list[TopicPartition], _timeout_s: float) -> list[Any]:
        assert [one.partition for one in wanted] == [0, 1]
        return left.pop(0)

    client = SimpleNamespace(committed=answer, close=lambda: None)
    monkeypatch.setattr("ops.fleet.commits.Consumer", lambda _settings: client)


def test_a_partition_without_a_commit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    _reader(monkeypatch, [[_place(0, 7), _place(1, _NONE)]])
    assert {number: one.offset for number, one in committed(_CONFIG, [0, 1]).items()} == {0: 7}


def test_one_whose_commit_is_refused_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    _reader(monkeypatch, [[_place(0, 7), _place(1, _NONE, KafkaError.TOPIC_AUTHORIZATION_FAILED)]])
    with pytest.raises(FleetUnreadableError, match="DESCRIBE permission on group and topic"):
        committed(_CONFIG, [0, 1])


def test_one_whose_coordinator_moves_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    moving = [_place(0, 7), _place(1, _NONE, KafkaError.NOT_COORDINATOR)]
    _reader(monkeypatch, [moving, [_place(0, 7), _place(1, 8)]])
    assert set(committed(_CONFIG, [0, 1])) == {0, 1}
