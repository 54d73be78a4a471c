"""A worker, life after life, each of which knows other schemas."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final

import pytest

from core.errors import TickFleetError
from schemas import Framing, RegistryDeniedError, ResultCodec, SingleObjectFraming
from schemas.contracts import (
    CONTRACT_NAMES,
    Contract,
    contract,
    parse_contract,
    released_contracts,
)
from schemas.record_codec import RecordCodec
from tests.sim.broker import SimBroker
from tests.sim.clients import World
from tests.sim.patches import simulated
from tests.sim.scheduler import Scheduler, Task
from tests.sim.store import SimStore
from workers import NullTelemetry, WorkerConfig, WorkerHealth
from workers.assembly import _assemble
from workers.assignment import Assignment
from workers.errors import HistoryLostError
from workers.lifecycle.shutdown import stop_in_order
from workers.partition import Partition
from workers.telemetry.traces import NullTracer

CONFIG: Final = WorkerConfig("simulated:1", "group", "w-0", "file:///s", snapshot_interval_s=9_999)


def _wider() -> Contract:
    document = json.loads(contract("Tick").text)
    document["fields"].append({"name": "venue", "type": "string"})
    return parse_contract(json.dumps(document))


WIDER: Final = _wider()
OURS: Final = (*released_contracts(), *map(contract, CONTRACT_NAMES))
KNOWS, FORGOT = SingleObjectFraming([*OURS, WIDER]), SingleObjectFraming(OURS)
# Of the journal it knows the first contract only.
OLDER: Final = SingleObjectFraming(
    [one for one in OURS if one.fingerprint != contract("JournalRecord").fingerprint]
)


class Guarded:
    """Schemas behind a lock whose key is changed now and then."""

    header_size = KNOWS.header_size

    def __init__(self) -> None:
        self.locked = False
        self.turned_away = 0

    def header(self, ours: Contract) -> bytes:
        self._enter()
        return KNOWS.header(ours)

    def writer_schema(self, header: bytes) -> Any:
        self._enter()
        return KNOWS.writer_schema(header)

    def _enter(self) -> None:
        if self.locked:
            self.turned_away += 1
            raise RegistryDeniedError("401")


class Shop:
    """One partition and one worker, life after life; no snapshot is ever due."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broker = SimBroker(partitions=1)
        self.scheduler = Scheduler()
        self.world = World(broker=self.broker, scheduler=self.scheduler, ticks="ticks")
        self.stopped: list[TickFleetError] = []
        self.config = CONFIG
        self._store = SimStore(self.scheduler)
        self._monkeypatch = monkeypatch
        self._life: Task | None = None
        self._stop: list[bool] = []
        stop = Assignment.fail

        def fail(assignment: Assignment, partition: Partition, error: TickFleetError) -> None:
            self.stopped.append(error)
            stop(assignment, partition, error)

        monkeypatch.setattr(Assignment, "fail", fail)

    def live(self, framing: Framing) -> None:
        """kill -9 where the life before has not ended, and a new one."""
        if self._life is not None:
            self._life.kill()
        self._stop.clear()
        self._monkeypatch.setattr("workers.assembly.framing_by_topic", lambda _: lambda _: framing)
        self._life = self.scheduler.spawn("w-0", self._run)

    def stop(self) -> None:
        """SIGTERM."""
        self._stop.append(True)
        self.until(lambda: self._life is None or self._life.dead)

    def feed(self, writer: Contract) -> None:
        """Five ticks."""
        for _ in range(5):
            log = self.broker.log("ticks", 0)
            tick = {"asset_id": "A", "price": 2.0, "target": 1.0, "timestamp_ns": log.end}
            log.append(b"A", RecordCodec(KNOWS, writer).encode(tick | {"venue": "X"}))

    def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(3_000):
            if holds():
                return
            self.go_on()
        raise AssertionError("not within its time")

    def go_on(self) -> None:
        """To the next client call."""
        assert self._life is not None
        self._life.go_on()
        assert self._life.error is None, self._life.error
        self.broker.advance(0.01)
        self.broker.write_one_marker(0)

    def sequences(self) -> list[int]:
        found = self.broker.log("predictions", 0).visible(0, 1_000)
        codec = ResultCodec(KNOWS)
        return [codec.decode(entry.value or b"")["sequence"] for entry in found]

    def _run(self) -> None:
        parts, worker = _assemble(
            self.config,
            self._store,
            telemetry=NullTelemetry(),
            health=WorkerHealth(),
            clock=SimpleNamespace(now_ns=lambda: 0, monotonic_s=lambda: self.broker.now_s),
            tracer=NullTracer(),
        )
        worker.run(lambda: bool(self._stop))
        stop_in_order(worker, parts)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    found = Shop(monkeypatch)
    with simulated(found.world, lambda: found.broker.now_s):
        yield found


def test_a_partition_whose_ticks_schema_is_forgotten_stops_and_goes_on_once_it_is_back(
    shop: Shop,
) -> None:
    shop.feed(contract("Tick"))
    shop.feed(WIDER)
    shop.live(KNOWS)
    shop.until(lambda: len(shop.sequences()) == 10)

    shop.live(FORGOT)
    shop.feed(contract("Tick"))
    shop.until(lambda: bool(shop.stopped))
    [error] = shop.stopped
    assert isinstance(error, HistoryLostError)
    assert (error.partition, error.offset) == (0, 5)
    assert "no known schema has the fingerprint" in str(error)
    assert "Put its schema back" in str(error)
    for _ in range(200):
        shop.go_on()
    assert shop.sequences() == list(range(1, 11)), "it answers nothing from a wrong state"

    shop.live(KNOWS)
    shop.until(lambda: len(shop.sequences()) == 15)
    assert shop.sequences() == list(range(1, 16))
    assert len(shop.stopped) == 1


def test_an_older_worker_goes_on_behind_a_stop_in_order(shop: Shop) -> None:
    shop.feed(contract("Tick"))
    shop.live(KNOWS)
    shop.until(lambda: len(shop.sequences()) == 5)
    shop.stop()
    shop.live(OLDER)
    shop.feed(contract("Tick"))
    shop.until(lambda: len(shop.sequences()) == 10)
    assert shop.sequences() == list(range(1, 11))
    assert shop.stopped == []


def test_an_older_worker_stops_where_it_cannot_read_what_a_newer_one_answered(shop: Shop) -> None:
    shop.feed(contract("Tick"))
    shop.live(KNOWS)
    shop.until(lambda: len(shop.sequences()) == 5)
    shop.live(OLDER)
    shop.feed(contract("Tick"))
    shop.until(lambda: bool(shop.stopped))
    assert "no known schema has the fingerprint" in str(shop.stopped[0])
    shop.live(KNOWS)
    shop.until(lambda: len(shop.sequences()) == 10)
    assert shop.sequences() == list(range(1, 11))


def test_a_registry_that_refuses_for_a_while_is_asked_again_at_work_and_in_a_recovery(
    shop: Shop,
) -> None:
    registry = Guarded()
    for answered in (5, 10):  # the second life has a journal to read
        registry.locked, registry.turned_away = True, 0
        shop.live(registry)
        shop.feed(contract("Tick"))
        shop.until(lambda: registry.turned_away == 3)
        registry.locked = False
        shop.until(lambda: len(shop.sequences()) == answered)  # noqa: B023
    assert shop.sequences() == list(range(1, 11))
    assert shop.stopped == []
