"""What a fault is, and those that strike workers. Each says how it shows in a report."""

import resource
import signal
from dataclasses import dataclass
from typing import Protocol

import psutil

from tests.chaos.stage import Stage

__all__ = [
    "AddWorker",
    "Fault",
    "KillFleet",
    "KillWorker",
    "PauseWorker",
    "RetireWorker",
    "RollWorkers",
    "StarveWorker",
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
        if _is_away(stage, self.worker):
            return
        process = stage.workers.pop(self.worker)
        stage.note(f"kill -9 {self.worker}")
        process.kill()
        if self.away_s is not None:
            stage.later(self.away_s, lambda: stage.start_worker(self.worker))


@dataclass(frozen=True)
class KillFleet:
    """SIGKILL of every worker at once; then so many start together, as after a lost rack."""

    at_s: float
    workers: int

    def strike(self, stage: Stage) -> None:
        for worker_id, process in stage.workers.items():
            stage.note(f"kill -9 {worker_id}")
            process.signal(signal.SIGKILL)
        for process in stage.workers.values():
            process.kill()
        stage.workers.clear()
        for number in range(self.workers):
            stage.start_worker(f"w-{number}")


@dataclass(frozen=True)
class PauseWorker:
    """SIGSTOP, and SIGCONT after `away_s`: a zombie when that is beyond its session."""

    at_s: float
    worker: str
    away_s: float

    def strike(self, stage: Stage) -> None:
        if _is_away(stage, self.worker):
            return
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
        if _is_away(stage, self.worker):
            return
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
class StarveWorker:
    """No more memory than it has: the next allocation of size fails, wherever it is made."""

    at_s: float
    worker: str

    def strike(self, stage: Stage) -> None:
        pid = stage.workers[self.worker].pid
        held = psutil.Process(pid).memory_info().vms
        stage.note(f"{self.worker} gets no more memory")
        resource.prlimit(pid, resource.RLIMIT_AS, (held, resource.RLIM_INFINITY))


def _is_away(stage: Stage, worker: str) -> bool:
    """Whether an earlier fault has taken the worker, and it is not back yet."""
    away = worker not in stage.workers
    if away:
        stage.note(f"{worker} is away already")
    return away
