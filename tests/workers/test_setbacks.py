"""What the client says instead of a record, and what becomes of the partition."""

from types import SimpleNamespace
from typing import Any, Final, cast
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError, Message

from workers import MissingHistory, NullTelemetry, WorkerConfig
from workers.assignment import Assignment
from workers.delivery.cycle import CommitCycle
from workers.group.membership import Membership
from workers.partition import Partition, Phase
from workers.setbacks import Setbacks

TRUNCATED: Final = (
    "Partition log truncation detected at offset 1500 (leader epoch 0): broker end offset is 500. "
    "Reset to INVALID.: Local: Partition log truncation detected (broker 3)"
)
GONE: Final = "fetch failed due to requested offset not available on the broker"


class Held:
    """A worker with partition 3."""

    def __init__(self, policy: MissingHistory) -> None:
        self.partition = Partition(3, 0.0, Phase.LIVE, next_offset=1500)
        self.assignment = Mock(spec=Assignment)
        self.assignment.active.return_value = {3: self.partition}
        config = WorkerConfig("b:1", "group", "w-0", "file:///s", missing_history=policy)
        self.setbacks = Setbacks(
            config,
            self.assignment,
            Mock(spec=CommitCycle),
            Mock(spec=Membership),
            NullTelemetry(),
        )

    def hears(self, code: int, text: str, offset: int | None) -> None:
        message: Any = SimpleNamespace(
            error=lambda: KafkaError(code, text), partition=lambda: 3, offset=lambda: offset
        )
        self.setbacks.failure(cast(Message, message))


@pytest.mark.parametrize(("text", "offset"), [(TRUNCATED, None), (GONE, 1500)])
def test_a_position_that_is_gone_stops_the_partition(text: str, offset: int | None) -> None:
    held = Held(MissingHistory.STOP)
    held.hears(KafkaError._AUTO_OFFSET_RESET, text, offset)
    [(stopped, error), _] = held.assignment.fail.call_args
    assert stopped is held.partition
    assert text in str(error) and "Set missing_history" in str(error)


@pytest.mark.parametrize(("text", "offset"), [(TRUNCATED, None), (GONE, 1500)])
def test_where_it_may_go_on_a_log_that_was_cut_is_not_taken_for_sound(
    text: str, offset: int | None
) -> None:
    held = Held(MissingHistory.COLD_START)
    held.hears(KafkaError._AUTO_OFFSET_RESET, text, offset)
    held.assignment.drop.assert_called_once_with([3])
    [_, lost] = held.assignment.add.call_args
    assert bool(lost["lost"]) == (text is TRUNCATED)


def test_what_passes_by_itself_changes_nothing() -> None:
    held = Held(MissingHistory.STOP)
    held.hears(KafkaError._TRANSPORT, "broker away", None)
    held.assignment.fail.assert_not_called()
