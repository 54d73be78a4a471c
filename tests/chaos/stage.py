"""What a scenario plays on: brokers, a store, a fleet's workers, and readers that run all along."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.local.service import LocalService
from tests.chaos.lossy_proxy import LossyProxy
from tests.chaos.oracle import Seen
from tests.chaos.small_disk import SmallDisk
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.fleet import Fleet, WorkerProcess
from tests.kafka.tap import Tap
from tests.snapshots.faulty_proxy import Plan
from workers.telemetry.metrics import M

__all__ = ["Stage"]

_SETTLED_S = 1.0
_ENDED = "had ended with"
_KILLED = "kill -9"


@dataclass
class Stage:
    """One run's moving parts.

    Attributes:
        kafka: the cluster as clients see it.
        fleet: topics, and workers as processes.
        brokers: broker processes that faults may stop, by number.
        store: what the proxy before the object store does to calls; None for a folder.
        proxy: what stands between the workers and the broker; None for nothing.
        disk: where snapshots go when the disk's size matters.
        workers: the newest process of each worker id.
        log: what happened when, seconds since the start.
    """

    kafka: KafkaCluster
    fleet: Fleet
    brokers: Mapping[int, LocalService] = field(default_factory=dict)
    store: Plan | None = None
    proxy: LossyProxy | None = None
    disk: SmallDisk | None = None
    workers: dict[str, WorkerProcess] = field(default_factory=dict)
    log: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begun_s = time.monotonic()
        self._timers: list[threading.Timer] = []
        self._errors: list[BaseException] = []
        partitions = self.fleet.partitions
        topics = self.fleet.topics
        self._taps = {
            "results": Tap(self.kafka, topics["predictions"], partitions, patient=True),
            "journal": Tap(self.kafka, topics["journal"], partitions, patient=True),
            "flags": Tap(self.kafka, topics["flags"], 1, patient=True),
            "letters": Tap(self.kafka, topics["dead_letters"], 1, patient=True),
        }
        self._inputs = Tap(self.kafka, self.fleet.ticks, partitions, patient=True)

    @property
    def folder(self) -> Path:
        """Where the run leaves its files."""
        return self.fleet.folder

    def note(self, what: str) -> None:
        """Remember an occurrence."""
        self.log.append((time.monotonic() - self.begun_s, what))

    def start_worker(self, worker_id: str, **settings: Any) -> WorkerProcess:
        """Start a worker, or start it again."""
        self.note(f"start {worker_id}")
        self.workers[worker_id] = self.fleet.start(worker_id, **settings)
        return self.workers[worker_id]

    def later(self, delay_s: float, act: Callable[[], object]) -> None:
        """Do something after a while; what it raises is raised by `await_timers`."""

        def guarded() -> None:
            try:
                act()
            except BaseException as error:
                self._errors.append(error)

        timer = threading.Timer(delay_s, guarded)
        timer.start()
        self._timers.append(timer)

    def await_timers(self) -> None:
        """Wait for everything that was put off."""
        for timer in self._timers:
            timer.join()
        if self._errors:
            raise self._errors[0]

    def keep_alive(self) -> None:
        """Start again what has died by itself, as a platform would."""
        for worker_id, process in list(self.workers.items()):
            if not process.running:
                self.note(f"{worker_id} {_ENDED} {process.wait(0)}")
                self.start_worker(worker_id)

    def metric(self, name: str) -> Sequence[float]:
        """A metric's values, over all labels of all running workers."""
        return [value for process in list(self.workers.values()) for value in process.metric(name)]

    @property
    def at_work(self) -> int:
        """How many workers hold partitions."""
        held = [process.metric(M.PARTITIONS.name) for process in list(self.workers.values())]
        return sum(sum(phases) > 0 for phases in held)

    @property
    def kills_s(self) -> Sequence[float]:
        """When workers were killed, by the clock of `TapRecord.seen_s`."""
        return [self.begun_s + at_s for at_s, what in self.log if what.startswith(_KILLED)]

    @property
    def deaths(self) -> int:
        """How often a worker ended that nobody had ended."""
        return sum(_ENDED in what for _, what in self.log)

    def answered(self) -> int:
        """Visible results and dead letters; one that came again counts once."""
        return self._taps["results"].distinct + self._taps["letters"].distinct

    def inputs(self) -> dict[int, list[Any]]:
        """The ticks topic so far, by partition."""
        return dict(self._inputs.records)

    def lag(self) -> int:
        """Visible inputs without a visible answer."""
        return self._inputs.count - self.answered()

    def close(self) -> Seen:
        """Wait until nothing more comes, and stop reading."""
        count = -1
        while count != (count := sum(tap.count for tap in self._taps.values())):
            time.sleep(_SETTLED_S)
        for tap in (*self._taps.values(), self._inputs):
            tap.close()
        return Seen(**{name: dict(tap.records) for name, tap in self._taps.items()})
