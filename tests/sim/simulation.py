"""One schedule: a seed decides load, faults and who runs when; then everything is compared."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from core import PredictorConfig
from schemas import (
    DeadLetterCodec,
    JournalCodec,
    JournalRecord,
    ResultCodec,
    SingleObjectFraming,
    TickCodec,
)
from tests.fixtures.batches import recomputed
from tests.sim.broker import Entry, Log, SimBroker, Txn
from tests.sim.clients import World
from tests.sim.patches import simulated
from tests.sim.scheduler import Scheduler, Task
from tests.sim.store import SimStore
from tests.sim.table import SimTable
from workers import MissingHistory, NullTelemetry, WorkerConfig, WorkerHealth
from workers.assembly import _assemble
from workers.batching.pipeline import Pipeline
from workers.errors import FencedError
from workers.lifecycle.shutdown import stop_in_order
from workers.telemetry.traces import NullTracer

__all__ = ["Simulation"]

_FRAMING: Final = SingleObjectFraming()
_OLD: Final = JournalCodec(_FRAMING).encode(JournalRecord(0, 9_999, 0, 3, 5, "f" * 16, "old"))
_START_NS: Final = 1_700_000_000_000_000_000
_STEPS: Final = 30_000
_FAULTS: Final = (
    *("kill", "pause", "pause", "replace"),
    *("lose", "store", "generation", "echo", "leader"),
)
_CALLS: Final = (
    "consume",
    "produce_batch",
    "send_offsets_to_transaction",
    "commit_transaction",
    "init_transactions",
    "abort_transaction",
    "committed",
    "list_offsets",
    "put",
    "get",
)


@dataclass
class _Life:
    """One process of a worker."""

    worker_id: str
    task: Task
    stop: list[bool] = field(default_factory=list)


class _Clock:
    def __init__(self, broker: SimBroker) -> None:
        self._broker = broker

    def now_ns(self) -> int:
        return _START_NS + round(self._broker.now_s * 1e9)

    def monotonic_s(self) -> float:
        return self._broker.now_s


class Simulation:
    """A fleet, its world, and what goes wrong with them.

    Args:
        seed: of everything.
        anew: the ticks topic was created anew: the journal holds what was answered of the old one,
            and workers may start cold.
    """

    def __init__(self, seed: int, *, anew: bool = False) -> None:
        self._rng = random.Random(seed)
        rng = self._rng
        self.broker = SimBroker(partitions=rng.randint(1, 3))
        self._scheduler = Scheduler()
        self._world = World(broker=self.broker, scheduler=self._scheduler, ticks="ticks")
        self._store = SimStore(self._scheduler, self._look_at_stored)
        self._ahead: list[str] = []
        self._clock = _Clock(self.broker)
        self._codec = TickCodec(_FRAMING, allow_nonpositive_prices=True)
        self._to_feed = rng.randint(30, 80)
        self._feed_rate = rng.choice([0.02, 0.1])
        self._fault_rate = rng.choice([0.002, 0.01, 0.03])
        self._marker_rate = rng.choice([0.02, 0.1, 0.5])
        self._ambush: tuple[str, str, str] | None = None
        self._lives: list[_Life] = []
        self._replaced: set[str] = set()
        self._echoes_left = 3
        self._restarts: list[tuple[float, str]] = []
        self._settings: dict[str, Any] = {
            "commit_interval_ms": rng.choice([1, 25, 100]),
            "snapshot_interval_s": rng.choice([0.05, 0.5, 3.0]),
            "max_batch_records": rng.choice([1, 5, 1_000]),
            "load_shedding": False,
        }
        self.events: list[str] = []
        if anew:
            self._settings["missing_history"] = MissingHistory.COLD_START
            for number in range(self.broker.partitions):
                self.broker.log("journal", number).append(None, _OLD)

    def run(self) -> None:
        """Play the schedule to its end and compare; AssertionError tells what does not hold."""
        with simulated(self._world, self._clock.monotonic_s):
            try:
                for number in range(self._rng.randint(1, 3)):
                    self._start(f"w-{number}")
                self._play()
                self._come_to_rest()
                self._stop_all()
            finally:
                for life in self._lives:
                    life.task.kill()
        self.broker.quiesce()
        self._compare()

    def _start(self, worker_id: str) -> None:
        """A life that may judge prices otherwise than the one before."""
        stop: list[bool] = []
        any_price = self._rng.random() < 0.5

        def run() -> None:
            config = WorkerConfig(
                "simulated:1",
                "group",
                worker_id,
                "file:///simulated",
                allow_nonpositive_prices=any_price,
                **self._settings,
            )
            parts, worker = _assemble(
                config,
                self._store,
                telemetry=NullTelemetry(),
                health=WorkerHealth(),
                clock=self._clock,
                tracer=NullTracer(),
            )
            worker.run(lambda: bool(stop))
            stop_in_order(worker, parts)

        prices = "any price" if any_price else "prices above 0"
        self.events.append(f"{self.broker.now_s:.2f} start {worker_id}, {prices}")
        self._lives.append(_Life(worker_id, self._scheduler.spawn(worker_id, run), stop))

    def _play(self) -> None:
        for _ in range(_STEPS):
            self._feed()
            if self._rng.random() < self._fault_rate:
                self._fault()
            self._step()
            if not self._to_feed and self._rng.random() < 0.02:
                return

    def _step(self) -> None:
        rng, broker = self._rng, self.broker
        broker.advance(rng.uniform(0.5, 3.0) if rng.random() < 0.01 else rng.uniform(0.0, 0.03))
        if rng.random() < self._marker_rate:
            broker.write_one_marker(rng.randrange(1_000))
        for at_s, worker_id in [one for one in self._restarts if one[0] <= broker.now_s]:
            self._restarts.remove((at_s, worker_id))
            self._start(worker_id)
        able = [life for life in self._alive() if life.task.paused_until_s <= broker.now_s]
        if able:
            life = rng.choice(able)
            life.task.go_on()
            self._look_at(life)
            self._spring(life)

    def _alive(self) -> list[_Life]:
        return [life for life in self._lives if not life.task.dead]

    def _look_at(self, life: _Life) -> None:
        """A life that was replaced leaves; anything else that ends one is a finding."""
        if life.task.dead and life.task.error is not None:
            assert isinstance(life.task.error, FencedError), life.task.error
            assert life.worker_id in self._replaced, "it took itself for another"
            self.events.append(f"{self.broker.now_s:.2f} {life.worker_id} was fenced")
            if not any(one.worker_id == life.worker_id for one in self._alive()):
                self._restarts.append((self.broker.now_s + 0.1, life.worker_id))

    def _fault(self) -> None:
        """Something fails now, or lies in wait for a worker's next call of some kind."""
        rng = self._rng
        kind = rng.choice(_FAULTS)
        if kind == "lose":
            self.broker.lose_replies += 1
        elif kind == "store":
            self._store.failures += rng.randint(1, 4)
        elif kind == "generation":
            self.broker.unknown_generations += 1
        elif kind == "leader":
            self.broker.leave_out += 1
        elif kind == "echo":
            if self._echoes_left:
                self._echoes_left -= 1
                self.broker.echoes |= {life.worker_id for life in self._alive()}
        elif alive := self._alive():
            self._ambush = (rng.choice(alive).worker_id, rng.choice(_CALLS), kind)

    def _spring(self, life: _Life) -> None:
        """The worker has come to the call that a fault waits for."""
        rng, now_s = self._rng, self.broker.now_s
        if life.task.dead or self._ambush is None:
            return
        worker_id, call, kind = self._ambush
        if (life.worker_id, life.task.at) != (worker_id, call):
            return
        self._ambush = None
        self.events.append(f"{now_s:.2f} {kind} {worker_id} before {call}")
        if kind == "kill":
            life.task.kill()
            self._restarts.append((now_s + rng.choice([0.0, 0.5, 8.0]), worker_id))
            return
        beyond_session = rng.random() < 0.6
        pause_s = rng.uniform(6.5, 16.0) if beyond_session else rng.uniform(0.0, 3.0)
        life.task.paused_until_s = now_s + pause_s
        if kind == "replace":
            self._replaced.add(worker_id)
            self._restarts.append((now_s, worker_id))

    def _feed(self) -> None:
        rng = self._rng
        if not self._to_feed or rng.random() > self._feed_rate:
            return
        number = rng.randrange(self.broker.partitions)
        log = self.broker.log("ticks", number)
        if rng.random() < 0.1:
            self._abort_some(log)
        asset = f"{number}-{rng.randrange(3)}"
        price = (1.0 + rng.random()) * rng.choice([1.0, 1.0, 1.0, -1.0])
        value = self._codec.encode(asset, price, 1.0, self._clock.now_ns())
        log.append(asset.encode(), value if rng.random() < 0.9 else b"no tick")
        self._to_feed -= 1

    def _abort_some(self, log: Log) -> None:
        """A producer's aborted transaction: a gap of several offsets."""
        txn = Txn("feeder", self.broker.now_s, committed=False)
        for _ in range(self._rng.randint(1, 4)):
            log.append(b"aborted", b"aborted", txn)
        log.mark(txn)

    def _come_to_rest(self) -> None:
        """No more faults: every worker lives, and in the end every record is answered."""
        self.broker.lose_replies = self._store.failures = self.broker.unknown_generations = 0
        self.broker.leave_out = 0
        self.broker.echoes.clear()
        self._ambush = None
        for _ in range(_STEPS):
            self._step()
            if not self._restarts and self._answered() == self._wanted():
                return
        raise AssertionError(f"stuck: {self._answered()} of {self._wanted()}\n{self.events}")

    def _stop_all(self) -> None:
        for life in self._alive():
            life.stop.append(True)
        for _ in range(_STEPS):
            if not self._alive():
                return
            self._step()
        raise AssertionError(f"workers do not stop\n{self.events}")

    def _visible(self, topic: str, number: int) -> list[Entry]:
        return self.broker.log(topic, number).visible(0, 1_000_000)

    def _answered(self) -> int:
        return self._count("predictions") + self._count("dead-letters")

    def _wanted(self) -> int:
        return self._count("ticks")

    def _count(self, topic: str) -> int:
        broker = self.broker
        return sum(broker.log(topic, n).visible_count for n in range(broker.partitions))

    def _look_at_stored(self, key: str) -> None:
        """A snapshot may hold what is committed, and nothing else: `_ahead` remembers others."""
        _group, _topic, partition, kind, name = key.split("/")
        if kind == "manifests":
            offset, journal = (
                int(name.partition("-")[0]),
                self.broker.log("journal", int(partition)),
            )
            codec = JournalCodec(_FRAMING)
            answered_to = max(
                (
                    codec.decode(entry.value or b"").to_offset
                    for entry in journal.entries
                    if entry.txn is not None and entry.visible
                ),
                default=-1,
            )
            if offset > answered_to + 1:
                self._ahead.append(f"{key}: answered to {answered_to}")

    def _compare(self) -> None:
        assert not self._ahead, (self._ahead, self.events)
        buried = self._buried()
        for number in range(self.broker.partitions):
            inputs, rejected = self._visible("ticks", number), sorted(buried[number])
            results = [entry.value or b"" for entry in self._visible("predictions", number)]
            decoded = [ResultCodec(_FRAMING).decode(value)["source_offset"] for value in results]
            answered = [entry.offset for entry in inputs if entry.offset not in rejected]
            assert decoded == answered, (number, decoded, self.events)
            journal = self._journal(number)
            told = [r.from_offset + one for r in journal for one in r.rejected or ()]
            assert told == rejected, (number, told, rejected, self.events)
            expected = list(self._recomputed(number, inputs, journal))
            assert results == expected, (number, self.events)

    def _buried(self) -> dict[int, list[int]]:
        """Offsets of dead letters, by partition."""
        buried: dict[int, list[int]] = defaultdict(list)
        for entry in self._visible("dead-letters", 0):
            letter = DeadLetterCodec(_FRAMING).decode(entry.value or b"")
            buried[letter.source_partition].append(letter.source_offset)
        return buried

    def _journal(self, number: int) -> list[JournalRecord]:
        visible = [entry.value or b"" for entry in self._visible("journal", number)]
        return [JournalCodec(_FRAMING).decode(value) for value in visible if value != _OLD]

    def _recomputed(
        self, number: int, inputs: list[Entry], journal: list[JournalRecord]
    ) -> Iterator[bytes]:
        """What one undisturbed pipeline makes of the journal's micro-batches."""
        table = SimTable(PredictorConfig(), "float64")
        pipeline = Pipeline(PredictorConfig(), table, self._codec, "ticks")  # type: ignore[arg-type]
        return recomputed(pipeline, inputs, journal, number)
