"""The stack behind `tickfleet local up|down|status`: it outlives the command that started it.

A JSON file records the processes. A process is taken for ours only when its command line
holds the recorded marker, so a recycled process id is never signalled.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ops.local.cache import cache_dir, exclusive
from ops.local.errors import StackStateError
from ops.local.kafka import LocalKafka
from ops.local.registry import LocalRegistry
from ops.local.s3 import LocalS3

__all__ = ["BUCKET", "Service", "down", "status", "up"]

BUCKET: Final = "tickfleet"
_STOP_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Service:
    """One recorded process: `marker` is a part of its command line that only it has."""

    name: str
    address: str
    pid: int
    marker: str
    log: str

    @property
    def running(self) -> bool:
        """Whether the recorded process is still there, and is still ours."""
        shown = subprocess.run(  # noqa: S603  (an integer is all it is given)
            ["ps", "-ww", "-o", "stat=,command=", "-p", str(self.pid)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        return self.marker in shown and not shown.startswith("Z")


def status() -> list[Service]:
    """The recorded services, running or not; empty when no stack was started.

    Raises:
        StackStateError: the record is damaged.
    """
    if not _state_path().exists():
        return []
    try:
        return [Service(**record) for record in json.loads(_state_path().read_text("utf-8"))]
    except (TypeError, ValueError) as error:
        raise StackStateError(
            f"{_state_path()} is damaged ({error}): end what still runs of the stack by hand, then "
            "remove the file"
        ) from error


def up(*, port: int | None = None, s3: bool = False, registry: bool = False) -> list[Service]:
    """Start what is not running and return the stack.

    Records, and the schemas that decode them, are kept from last time; what is in S3 is not.

    Args:
        port: the broker's port; None takes any free one.
        s3: also start an S3 endpoint with a bucket named `BUCKET`.
        registry: also start a schema registry.

    Raises:
        ArtifactError, LocalDependencyError, LocalStartError: as the services themselves.
    """
    with exclusive(_home() / "lock"):
        services = {service.name: service for service in status() if service.running}
        if "kafka" not in services:
            services["kafka"] = _start_kafka(port)
            _record(services)
        if s3 and "s3" not in services:
            services["s3"] = _start_s3()
            _record(services)
        if registry and "registry" not in services:
            services["registry"] = _start_registry()
            _record(services)
    return list(services.values())


def down(*, purge: bool = False) -> list[Service]:
    """Stop the stack and return what was stopped; `purge` also removes its data."""
    with exclusive(_home() / "lock"):
        stopped = [service for service in status() if service.running]
        for service in stopped:
            _stop(service)
        _state_path().unlink(missing_ok=True)
        if purge:
            for name in ("kafka", "registry"):
                shutil.rmtree(_home() / name, ignore_errors=True)
    return stopped


def _home() -> Path:
    return cache_dir() / "stack"


def _state_path() -> Path:
    return _home() / "state.json"


def _record(services: dict[str, Service]) -> None:
    partial = _state_path().with_suffix(".part")
    partial.write_text(json.dumps([asdict(s) for s in services.values()], indent=1), "utf-8")
    partial.replace(_state_path())


def _start_kafka(port: int | None) -> Service:
    broker = LocalKafka(_home() / "kafka", port=port, java_options=(), guarded=False)
    broker.start()
    return _service("kafka", broker.bootstrap, broker.pid, broker.properties_path, broker.log_path)


def _start_s3() -> Service:
    server = LocalS3(_home() / "s3.log", guarded=False)
    server.start()
    server.create_bucket(BUCKET)
    return _service("s3", server.endpoint, server.pid, "moto.server", server.log_path)


def _start_registry() -> Service:
    folder, log = _home() / "registry", _home() / "registry.log"
    registry = LocalRegistry(log, folder=folder, guarded=False)
    registry.start()
    return _service("registry", registry.url, registry.pid, registry.marker, registry.log_path)


def _service(name: str, address: str, pid: int | None, marker: Path | str, log: Path) -> Service:
    if pid is None:
        raise StackStateError(f"{name} ended right after it started; see {log}")
    return Service(name, address, pid, str(marker), str(log))


def _stop(service: Service) -> None:
    deadline_s = time.monotonic() + _STOP_TIMEOUT_S
    number = signal.SIGTERM
    while service.running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(service.pid, number)
        if time.monotonic() > deadline_s:
            number = signal.SIGKILL
        time.sleep(0.2)
