"""What local services have in common: one process, started until it answers, then ended.

The one invariant: after `stop` or `kill`, `start` brings the service back at the same address.
"""

import signal
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ops.local.errors import LocalStartError
from ops.local.process import ServiceProcess

__all__ = ["LocalService"]

_START_TIMEOUT_S: Final = 60.0


class LocalService(ABC):
    """A service on loopback; as a context manager it is started and stopped.

    Args:
        log: file for the service's output.
        guarded: the service dies with this process; False leaves it running.
    """

    def __init__(self, log: Path, *, guarded: bool) -> None:
        self.log_path = log
        self._guarded = guarded
        self._process: ServiceProcess | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running service."""
        return self._process.pid if self._process is not None and self._process.running else None

    def start(self) -> None:
        """Start, or start again at the same address; returns when it answers clients.

        Raises:
            LocalStartError: it did not come up; the message ends with its log.
        """
        if self.pid is not None:
            return
        self._process = ServiceProcess(
            self._command(),
            log=self.log_path,
            guarded=self._guarded,
            environment=self._environment(),
        )
        try:
            self._process.wait_until(self._answers, timeout_s=_START_TIMEOUT_S, log=self.log_path)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Orderly shutdown (SIGTERM); harmless when it is down."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as a crashed machine would; harmless when it is down."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections stay open and nothing answers, as a partition would look."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT after `pause`."""
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Prepare whatever the service needs on disk; its program and arguments."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether clients are served."""

    def _environment(self) -> Mapping[str, str]:
        """Variables added to this process's own."""
        return {}

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.end(number)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise LocalStartError("the service is not running: call start() first")
        self._process.send(number)
