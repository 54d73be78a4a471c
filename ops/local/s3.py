"""An S3 endpoint on loopback: moto's HTTP server, state in memory, any credentials accepted."""

import importlib.util
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ops.local.errors import LocalDependencyError
from ops.local.process import ServiceProcess, free_port

__all__ = ["LocalS3"]

_START_TIMEOUT_S: Final = 60.0


class LocalS3:
    """A server process; as a context manager it is started and stopped.

    Args:
        log: file for the server's output; None puts it in the temporary folder.
        guarded: the server dies with this process; False leaves it running.

    Raises:
        LocalDependencyError: moto's server is not installed.
        LocalStartError: the server did not come up.
    """

    def __init__(self, log: Path | None = None, *, guarded: bool = True) -> None:
        self._port = free_port()
        self.log_path = log or Path(tempfile.gettempdir()) / f"tickfleet-s3-{self._port}.log"
        self._guarded = guarded
        self._process: ServiceProcess | None = None

    @property
    def endpoint(self) -> str:
        """URL for boto3's `endpoint_url`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return self._process.pid if self._process is not None and self._process.running else None

    def start(self) -> None:
        """Start; returns when the server answers. What was stored before a stop is gone."""
        if self.pid is not None:
            return
        if not (importlib.util.find_spec("moto") and importlib.util.find_spec("flask")):
            raise LocalDependencyError("install the S3 endpoint: pip install 'moto[s3,server]'")
        self._process = ServiceProcess(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)],
            log=self.log_path,
            guarded=self._guarded,
        )
        try:
            self._process.wait_until(self._answers, timeout_s=_START_TIMEOUT_S, log=self.log_path)
        except BaseException:
            self.stop()
            raise

    def create_bucket(self, name: str) -> None:
        """Create a bucket; any region and credentials will do."""
        import boto3  # noqa: PLC0415  (optional dependency; moto needs it, so it is there)

        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  (the server accepts anything)
        )
        client.create_bucket(Bucket=name)
        client.close()

    def stop(self) -> None:
        """End the server; harmless when it is down."""
        if self._process is not None:
            self._process.end(signal.SIGTERM)
            self._process = None

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

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint, timeout=2).close()  # noqa: S310  (loopback)
        except urllib.error.HTTPError as answer:
            answer.close()
            return True
        except OSError:
            return False
        return True
