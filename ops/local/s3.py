"""An S3 endpoint on loopback: moto's HTTP server, state in memory, any credentials accepted."""

import importlib.util
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from ops.local.errors import LocalDependencyError
from ops.local.process import free_port
from ops.local.service import LocalService

__all__ = ["LocalS3"]


class LocalS3(LocalService):
    """A server process; what was stored before a stop is gone.

    Args:
        log: file for the server's output; None puts it in the temporary folder.
        guarded: the server dies with this process; False leaves it running.

    Raises:
        LocalDependencyError: moto's server is not installed.
        LocalStartError: the server did not come up.
    """

    def __init__(self, log: Path | None = None, *, guarded: bool = True) -> None:
        self._port = free_port()
        log = log or Path(tempfile.gettempdir()) / f"tickfleet-s3-{self._port}.log"
        super().__init__(log, guarded=guarded)

    @property
    def endpoint(self) -> str:
        """URL for boto3's `endpoint_url`."""
        return f"http://127.0.0.1:{self._port}"

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

    def _command(self) -> Sequence[str]:
        if not (importlib.util.find_spec("moto") and importlib.util.find_spec("flask")):
            raise LocalDependencyError("install the S3 endpoint: pip install 'moto[s3,server]'")
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)]

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint, timeout=2).close()  # noqa: S310  (loopback)
        except urllib.error.HTTPError as answer:
            answer.close()
            return True
        except OSError:
            return False
        return True
