"""Reading a journal partition: what the tail says of what it could not read."""

from collections.abc import Iterator

import pytest

from schemas import JournalCodec, JournalRecord, SingleObjectFraming
from tests.sim.broker import SimBroker
from tests.sim.clients import SimConsumer, World
from tests.sim.patches import simulated
from tests.sim.scheduler import Scheduler
from workers import WorkerConfig
from workers.journal_reader import JournalReader

CONFIG = WorkerConfig("localhost:1", "group", "w-0", "file:///snapshots")
VALUE = JournalCodec(SingleObjectFraming()).encode(JournalRecord(0, 4, 0, 3, 5, "f" * 16, "w"))


@pytest.fixture
def world() -> Iterator[World]:
    broker = SimBroker(partitions=1)
    with simulated(World(broker=broker, scheduler=Scheduler(), ticks="ticks"), lambda: 0.0):
        yield World(broker=broker, scheduler=Scheduler(), ticks="ticks")


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
