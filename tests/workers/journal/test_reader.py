"""Reading a journal partition: what the tail says of what it could not read."""

from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError

from core.errors import RetryableError
from schemas import JournalCodec, JournalRecord, SingleObjectFraming
from tests.sim.broker import SimBroker, Txn
from tests.sim.clients import SimConsumer, SimMessage, World
from tests.sim.patches import simulated
from tests.sim.scheduler import Scheduler
from workers import WorkerConfig
from workers.errors import StalledClientError
from workers.journal.reader import JournalReader

CONFIG = WorkerConfig("localhost:1", "group", "w-0", "file:///snapshots")
VALUE = JournalCodec(SingleObjectFraming()).encode(JournalRecord(0, 4, 0, 3, 5, "f" * 16, "w"))


class SlowConsumer(SimConsumer):
    """Ten seconds pass with each record that it gives, and with each question."""

    def consume(self, count: int, timeout: float) -> list[SimMessage]:
        self._world.broker.advance(10.0)
        return super().consume(1, timeout)


class CutMessage(SimMessage):
    """What the client says of a log that was cut: an error without an offset."""

    def offset(self) -> None:  # type: ignore[override]
        return None


class CutConsumer(SimConsumer):
    """Of a journal that was cut in an election while it was read."""

    def consume(self, count: int, timeout: float) -> list[SimMessage]:
        [first, *_] = super().consume(count, timeout)
        return [CutMessage("journal", 0, first._entry, KafkaError(KafkaError._LOG_TRUNCATION))]


@pytest.fixture
def world() -> Iterator[World]:
    found = World(broker=SimBroker(partitions=1), scheduler=Scheduler(), ticks="ticks")
    with simulated(found, lambda: found.broker.now_s):
        yield found


@pytest.mark.parametrize(
    ("position", "records", "cut_off"),
    [(0, 3, False), (2, 1, False), (3, 0, False), (4, 0, True)],
)
def test_a_journal_that_ends_before_the_position_is_not_taken_for_an_empty_rest(
    world: World, position: int, records: int, cut_off: bool
) -> None:
    for _ in range(3):
        world.broker.log("journal", 0).append(None, VALUE)
    reader = JournalReader(CONFIG, SingleObjectFraming())
    tail = reader.read(SimConsumer(world, {}), 0, position)  # type: ignore[arg-type]
    assert (len(tail.records), tail.end, tail.cut_off) == (records, 3, cut_off)


def test_a_long_journal_is_read_to_its_end_however_long_that_takes(world: World) -> None:
    for _ in range(20):
        world.broker.log("journal", 0).append(None, VALUE)
    reader = JournalReader(CONFIG, SingleObjectFraming())
    tail = reader.read(SlowConsumer(world, {}), 0, 0)  # type: ignore[arg-type]
    assert len(tail.records) == 20
    assert world.broker.now_s > 3 * CONFIG.transaction_timeout_ms / 1000


def test_a_transaction_that_stays_open_is_not_waited_for_without_end(world: World) -> None:
    log = world.broker.log("journal", 0)
    log.append(None, VALUE)
    log.append(None, VALUE, Txn("other", 0.0))
    reader = JournalReader(CONFIG, SingleObjectFraming())
    with pytest.raises(StalledClientError, match="no record below 2 for 30 s"):
        reader.read(SlowConsumer(world, {}), 0, 0)  # type: ignore[arg-type]


def test_what_the_client_says_without_an_offset_is_read_again(world: World) -> None:
    world.broker.log("journal", 0).append(None, VALUE)
    reader = JournalReader(CONFIG, SingleObjectFraming())
    with pytest.raises(RetryableError, match="truncation"):
        reader.read(CutConsumer(world, {}), 0, 0)  # type: ignore[arg-type]
