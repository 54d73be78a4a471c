"""A schema registry on loopback: Apicurio Registry with Confluent's REST interface."""

import tarfile
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ops.local.artifacts import Pin, fetch
from ops.local.cache import cache_dir, exclusive
from ops.local.process import free_port
from ops.local.service import LocalService
from ops.local.storage import java

__all__ = ["LocalRegistry", "registry_app"]

_APICURIO: Final = Pin(
    "io.apicurio",
    "apicurio-registry-app",
    "3.3.3",
    "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63",
    classifier="all",
    packaging="tar.gz",
)
_JVM: Final = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class LocalRegistry(LocalService):
    """A registry process.

    Args:
        log: file for the registry's output; None puts it in the temporary folder.
        folder: keeps what is registered; None forgets it at a stop.
        guarded: the registry dies with this process; False leaves it running.

    Raises:
        ArtifactError: the registry (158 MB) is not cached and cannot be fetched.
        LocalDependencyError: `tickfleet[local]` is not installed.
        LocalStartError: the registry did not come up; the message ends with its log.
    """

    def __init__(
        self, log: Path | None = None, *, folder: Path | None = None, guarded: bool = True
    ) -> None:
        self._port, self._management_port = free_port(), free_port()
        self._folder = folder
        log = log or Path(tempfile.gettempdir()) / f"tickfleet-registry-{self._port}.log"
        super().__init__(log, guarded=guarded)

    @property
    def url(self) -> str:
        """For `schema_registry_url`, or any Confluent client's `url`."""
        return f"{self._base}/apis/ccompat/v7"

    @property
    def marker(self) -> str:
        """A part of the command line that only this service has."""
        return str(_home())

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _command(self) -> Sequence[str]:
        return [java(), *_JVM, "-jar", str(registry_app() / "quarkus-run.jar")]

    def _environment(self) -> Mapping[str, str]:
        kept = {"APICURIO_DATASOURCE_URL": f"jdbc:h2:file:{self._folder}/registry"}
        return {
            **(kept if self._folder else {}),
            "QUARKUS_HTTP_HOST": "127.0.0.1",
            "QUARKUS_HTTP_PORT": str(self._port),
            "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
            "QUARKUS_MANAGEMENT_PORT": str(self._management_port),
            "QUARKUS_LOG_LEVEL": "WARN",
        }

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False


def _home() -> Path:
    return cache_dir() / f"apicurio-{_APICURIO.version}"


def registry_app() -> Path:
    """The registry's folder, fetched (158 MB) and unpacked first when it is not there.

    Raises:
        ArtifactError, LocalDependencyError: as `fetch`.
    """
    app = _home() / "app"
    with exclusive(_home() / "lock"):
        if not app.exists():
            archive = _home() / _APICURIO.filename
            fetch([_APICURIO], _home())
            with tempfile.TemporaryDirectory(dir=_home()) as work, tarfile.open(archive) as packed:
                packed.extractall(Path(work) / "app", filter="data")
                (Path(work) / "app").rename(app)
            archive.unlink()
    return app
