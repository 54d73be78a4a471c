"""Faults of a scenario: what is done to the stage, and when. Each says how it shows in a report."""

import signal
from dataclasses import dataclass
from typing import Protocol

from tests.chaos.stage import Stage
from tests.snapshots.faulty_proxy import Fault as StoreFault

__all__ = [
    "AddWorker",
    "BounceBroker",
    "BreakStore",
    "Fault",
    "KillWorker",
    "LoseCommitReplies",
    "PauseBroker",
    "PauseWorker",
    "RetireWorker",
    "RollWorkers",
]


class Fault(Protocol):
    """One thing that goes wrong.

    Attributes:
        at_s: seconds after the first tick.
    """

    @property
    def at_s(self) -> float:
        """Seconds after the first tick."""

    def strike(self, stage: Stage) -> None:
        """Do it; may block the schedule no longer than it must."""


@dataclass(frozen=True)
class KillWorker:
    """SIGKILL; started again after `away_s`, or never when it is None."""

    at_s: float
    worker: str
    away_s: float | None = 0.0

    def strike(self, stage: Stage) -> None:
        process = stage.workers.pop(self.worker, None)
        if process is None:
            stage.note(f"{self.worker} is away already")
            return
        stage.note(f"kill -9 {self.worker}")
        process.kill()
        if self.away_s is not None:
            stage.later(self.away_s, lambda: stage.start_worker(self.worker))


@dataclass(frozen=True)
class PauseWorker:
    """SIGSTOP, and SIGCONT after `away_s`: a zombie when that is beyond its session."""

    at_s: float
    worker: str
    away_s: float

    def strike(self, stage: Stage) -> None:
        process = stage.workers[self.worker]
        stage.note(f"stop {self.worker} for {self.away_s} s")
        process.signal(signal.SIGSTOP)
        stage.later(self.away_s, lambda: process.signal(signal.SIGCONT))


@dataclass(frozen=True)
class RetireWorker:
    """SIGTERM; its partitions go to the others."""

    at_s: float
    worker: str

    def strike(self, stage: Stage) -> None:
        stage.note(f"SIGTERM {self.worker}")
        stage.workers.pop(self.worker).signal(signal.SIGTERM)


@dataclass(frozen=True)
class AddWorker:
    """One more member of the group."""

    at_s: float
    worker: str

    def strike(self, stage: Stage) -> None:
        stage.start_worker(self.worker)


@dataclass(frozen=True)
class RollWorkers:
    """Every worker stopped in order and started again, one after another."""

    at_s: float

    def strike(self, stage: Stage) -> None:
        for worker_id, process in list(stage.workers.items()):
            stage.note(f"roll {worker_id}")
            # A process that has not come as far as its handlers yet just dies of the signal.
            ended = process.terminate()
            assert ended in (0, -signal.SIGTERM), f"{ended}\n{process.log.read_text()[-2000:]}"
            stage.start_worker(worker_id)


@dataclass(frozen=True)
class BounceBroker:
    """Stopped, in order or by SIGKILL, and started again on its port and data."""

    at_s: float
    broker: int = 1
    away_s: float = 1.0
    hard: bool = True

    def strike(self, stage: Stage) -> None:
        stage.await_timers()  # a broker that is coming back is left alone until it is there
        broker = stage.brokers[self.broker]
        stage.note(f"broker {self.broker} {'killed' if self.hard else 'stopped'}")
        (broker.kill if self.hard else broker.stop)()
        stage.later(self.away_s, broker.start)


@dataclass(frozen=True)
class PauseBroker:
    """SIGSTOP: connections stay open and nothing answers."""

    at_s: float
    away_s: float
    broker: int = 1

    def strike(self, stage: Stage) -> None:
        stage.note(f"broker {self.broker} stands still for {self.away_s} s")
        stage.brokers[self.broker].pause()
        stage.later(self.away_s, stage.brokers[self.broker].resume)


@dataclass(frozen=True)
class BreakStore:
    """Every call to the object store fails in one way."""

    at_s: float
    away_s: float
    kind: StoreFault

    def strike(self, stage: Stage) -> None:
        assert stage.store is not None
        stage.note(f"store: {self.kind.name} for {self.away_s} s")
        stage.store.then = self.kind
        stage.later(self.away_s, lambda: setattr(stage.store, "then", StoreFault.NONE))


@dataclass(frozen=True)
class LoseCommitReplies:
    """The broker ends the transaction, and the answer is lost on the way."""

    at_s: float
    count: int

    def strike(self, stage: Stage) -> None:
        assert stage.proxy is not None
        stage.note(f"{self.count} answers to EndTxn will be lost")
        stage.proxy.lose(self.count)
