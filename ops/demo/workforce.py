"""Worker processes of the demonstration: started, killed and stopped as a platform would."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from core.errors import FatalError
from ops.fleet import FleetUnreadableError, describe_group
from workers.config import WorkerConfig

__all__ = ["DemoWorkerError", "Workforce"]

_START_TIMEOUT_S = 90.0
_STOP_TIMEOUT_S = 30.0


class DemoWorkerError(FatalError):
    """A worker of the demonstration did not do what it should; its log says why."""


class Workforce:
    """Runs `tickfleet worker` processes by worker id.

    Args:
        config: the settings file they share.
        folder: where their logs go.
    """

    def __init__(self, config: Path, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.killed_at_s: list[float] = []

    def start(self, worker_id: str) -> None:
        """Start a worker, or start it again under the same id."""
        with (self._folder / f"{worker_id}.log").open("ab") as log:
            self._processes[worker_id] = subprocess.Popen(  # noqa: S603  (our own program)
                [sys.executable, "-m", "ops.cli", "worker", "--config", str(self._config)],
                stdout=log,
                stderr=log,
                env={**os.environ, "TICKFLEET_WORKER_ID": worker_id},
            )

    def await_seats(self, config: WorkerConfig) -> None:
        """Wait until every worker holds its partitions.

        Raises:
            DemoWorkerError: one has ended by itself, or it takes too long.
        """
        deadline_s = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            self.check()
            if _seated(config) == len(self._processes):
                return
            time.sleep(0.2)
        raise DemoWorkerError(
            f"the workers did not share {config.group_id} in {_START_TIMEOUT_S} s"
        )

    def kill(self, worker_id: str) -> None:
        """kill -9: no handler runs, nothing is flushed."""
        process = self._processes[worker_id]
        process.kill()
        process.wait()
        self.killed_at_s.append(time.time())

    def check(self) -> None:
        """See that all workers are alive.

        Raises:
            DemoWorkerError: one has ended by itself.
        """
        for worker_id, process in self._processes.items():
            if process.poll() is not None:
                status, log = process.returncode, self._log_end(worker_id)
                raise DemoWorkerError(f"{worker_id} ended with status {status}: {log}")

    def stop(self) -> None:
        """SIGTERM to all; each must end with status 0.

        Raises:
            DemoWorkerError: one did not.
        """
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for worker_id, process in self._processes.items():
            if process.wait(_STOP_TIMEOUT_S) != 0:
                raise DemoWorkerError(f"{worker_id} did not stop: {self._log_end(worker_id)}")

    def abandon(self) -> None:
        """Leave no process behind."""
        for process in self._processes.values():
            if process.poll() is None:
                process.kill()

    def _log_end(self, worker_id: str) -> str:
        return (self._folder / f"{worker_id}.log").read_text("utf-8")[-2_000:]


def _seated(config: WorkerConfig) -> int:
    """Members that hold partitions; none while the group's coordinator is not there yet."""
    try:
        group = describe_group(config)
    except FleetUnreadableError:
        return 0
    return sum(1 for member in group.members if member.partitions)
