"""A service's process: started in its own session, and ended with its parent on request.

The guard is a shell that waits on a pipe only this process holds. When this process ends in
whatever way, the kernel closes the pipe and the guard kills the service. (`PR_SET_PDEATHSIG`
is not used: it fires when the *thread* that forked ends, and it needs a `preexec_fn`, which
is unsafe in a process that runs JAX's threads.)
"""

import atexit
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Final

from ops.local.errors import LocalStartError

__all__ = ["ServiceProcess", "free_port", "is_free", "tail"]

_GUARD: Final = 'if read -r _; then exit 0; fi; kill -KILL "-$1" 2>/dev/null'
# Below every common ephemeral range: while a broker is down its clients keep connecting to
# its port, and inside that range one of them could be given the port as its own.
_PORTS: Final = range(20_000, 30_000)
_OUTLIVING: Final[list[subprocess.Popen[bytes]]] = []
"""Handles of processes meant to outlive us."""


@atexit.register
def _let_go() -> None:
    """Collecting a handle warns that its process still runs, unless it is known how that ended."""
    for process in _OUTLIVING:
        process.returncode = 0


def free_port() -> int:
    """A TCP port that nothing listens on at loopback now."""
    for port in SystemRandom().sample(_PORTS, k=100):
        if is_free(port):
            return port
    raise LocalStartError("no free loopback port between 20000 and 29999: stop old services")


def is_free(port: int) -> bool:
    """Whether a service could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: connections of a former server that linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def tail(path: Path, *, lines: int = 15) -> str:
    """The last lines of a log file, for an error message."""
    if not path.exists():
        return "(no log)"
    return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:])


class ServiceProcess:
    """One running service.

    Args:
        command: program and arguments.
        log: file its output is appended to.
        guarded: kill it when this process ends; otherwise it outlives this process.
        environment: variables added to this process's own.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        guarded: bool,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  (our own command line)
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._guard = _start_guard(self.pid) if guarded else None
        if not guarded:
            _OUTLIVING.append(self._process)

    @property
    def pid(self) -> int:
        """Process id, which is also its process group's."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """False once it has ended."""
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float, log: Path) -> None:
        """Poll `ready`; raises LocalStartError when the process ends or the time is up."""
        deadline_s = time.monotonic() + timeout_s
        while not ready():
            if not self.running:
                raise LocalStartError(f"service ended while starting; see {log}:\n{tail(log)}")
            if time.monotonic() > deadline_s:
                raise LocalStartError(f"not ready after {timeout_s} s; see {log}:\n{tail(log)}")
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the service's whole process group."""
        if self.running:
            os.killpg(self.pid, number)

    def end(self, number: signal.Signals, *, timeout_s: float = 30.0) -> None:
        """Send `number`, wait, kill after `timeout_s`; harmless when it has ended already."""
        self.send(number)
        self.send(signal.SIGCONT)  # a stopped process acts on SIGTERM only once continued
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._process.wait()
        if self._guard is not None:
            self._guard.communicate(b"done\n")
            self._guard = None


def _start_guard(pid: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603
        ["/bin/sh", "-c", _GUARD, "guard", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
