"""Worker processes to be killed, stopped and continued, each forked from one warm process.

Importing JAX costs more than all that most tests make a worker do. One process per session does it
once (`multiprocessing`'s fork server); it starts neither JAX's backend nor a thread of ours, so
that what it forks is what `tickfleet worker` is at that point.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final, Literal, TypeAlias

import psutil

from ops.local.process import free_port
from tests.kafka.scrape import probe, scrape
from tests.kafka.worker_process import live

__all__ = ["StartMethod", "WorkerProcess"]

StartMethod: TypeAlias = Literal["forkserver", "spawn"]

_WARM: Final = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(["tests.kafka.warm"])
_FRESH: Final = multiprocessing.get_context("spawn")
# An exit status can be read once: two threads that ask at the same time would get two answers.
_STATUS: Final = threading.RLock()
_POLL_S: Final = 0.01


class WorkerProcess:
    """One worker process; its log is kept for the failure message.

    Args:
        config_json: a `WorkerConfig`.
        log: what it writes is added here.
        fault: the fault point to be armed.
        start_method: `forkserver` (warm) or `spawn`: a new interpreter, as an operator starts one.
    """

    def __init__(
        self,
        config_json: str,
        log: Path,
        fault: str | None = None,
        start_method: StartMethod = "forkserver",
    ) -> None:
        environment = dict(os.environ)
        if fault is not None:
            environment["TICKFLEET_FAULT"] = fault
        self.log = log
        log.touch()
        self._port = free_port()
        make = _WARM.Process if start_method == "forkserver" else _FRESH.Process
        self._process: BaseProcess = make(
            target=live, args=(config_json, self._port, log, environment), daemon=True
        )
        with _STATUS:
            self._process.start()

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        with _STATUS:
            return self._process.is_alive()

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._process.pid is not None
        return self._process.pid

    def metric(self, name: str) -> Sequence[float]:
        """A metric's values over all labels; empty before the first and after the end."""
        return scrape(self._port).get(name, ())

    @property
    def ready(self) -> bool:
        """Whether it says that it is."""
        return probe(self._port) == 200

    @property
    def stopped(self) -> bool:
        """Whether the process stands still after SIGSTOP."""
        return bool(psutil.Process(self.pid).status() == psutil.STATUS_STOPPED)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; one that has ended gets none."""
        if self.running:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self.signal(signal.SIGKILL)
        self.wait(30)

    def wait(self, timeout_s: float) -> int:
        """The exit status.

        Raises:
            TimeoutError: it lives on.
        """
        deadline_s = time.monotonic() + timeout_s
        while self.running:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"worker {self.pid} lives on after {timeout_s} s")
            time.sleep(_POLL_S)
        assert self._process.exitcode is not None
        return self._process.exitcode

    def terminate(self, timeout_s: float = 30.0) -> int:
        """SIGTERM, and wait for the orderly end."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)
