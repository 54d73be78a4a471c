"""One real Apache Kafka broker (KRaft, combined mode) on loopback, without Docker or a system Java.

Beyond what every local service promises: `start` after `stop` or `kill` finds the same data.
"""

import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ops.local.archive import archive_options
from ops.local.artifacts import kafka_jars
from ops.local.errors import LocalStartError
from ops.local.listeners import Listener, listener_settings
from ops.local.process import free_port, is_free
from ops.local.service import LocalService
from ops.local.storage import BROKER_DEFAULTS, FAST_START, format_storage, java

__all__ = ["LocalKafka"]

_JVM: Final = (
    "-Xmx512m",
    "-Dorg.apache.logging.log4j.level=WARN",
    "-XX:+IgnoreUnrecognizedVMOptions",  # archives are for Java 25 and newer
)


class LocalKafka(LocalService):
    """A single-node cluster; as a context manager it is started, then stopped for good.

    Args:
        data_dir: where logs, data and settings live; None makes a temporary one, which is
            removed on leaving the context without an error.
        port: where clients connect; None takes any free one.
        controller_port: where controllers connect; None takes any free one.
        settings: broker settings on top of the defaults.
        listener: a second listener; None for the plain one alone.
        java_options: options of the JVM; the default starts fast, `()` runs fast.
        guarded: the broker dies with this process; False leaves it running.

    Raises:
        ArtifactError: the jars are not cached and cannot be fetched.
        LocalDependencyError: `tickfleet[local]` is not installed.
        LocalStartError: the broker did not come up; the message ends with its log. Or its port is
            another's: what answers there would be taken for this broker.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        port: int | None = None,
        controller_port: int | None = None,
        settings: Mapping[str, str] | None = None,
        listener: Listener | None = None,
        java_options: Sequence[str] = FAST_START,
        guarded: bool = True,
    ) -> None:
        self._temporary = data_dir is None
        self.data_dir = Path(data_dir or tempfile.mkdtemp(prefix="tickfleet-kafka-")).resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        super().__init__(self.data_dir / "broker.log", guarded=guarded)
        self._port, controller = port or free_port(), controller_port or free_port()
        self._java_options = tuple(java_options)
        self._settings = {
            **BROKER_DEFAULTS,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            **listener_settings(self._port, controller, listener),
            "log.dirs": str(self.data_dir / "data"),
            **(settings or {}),
        }

    @property
    def bootstrap(self) -> str:
        """`host:port` for `bootstrap.servers`; the same for the object's whole life."""
        return f"127.0.0.1:{self._port}"

    @property
    def properties_path(self) -> Path:
        """The broker's settings file, named on its command line."""
        return self.data_dir / "broker.properties"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._temporary and error is None:
            shutil.rmtree(self.data_dir, ignore_errors=True)

    def _command(self) -> Sequence[str]:
        if not is_free(self._port):
            raise LocalStartError(f"port {self._port} is in use: choose another, or 0 for any")
        jars = kafka_jars()
        text = "".join(f"{key}={value}\n" for key, value in self._settings.items())
        self.properties_path.write_text(text, "utf-8")
        if not (self.data_dir / "data").exists():
            format_storage(jars, self.data_dir / "data", int(self._settings["node.id"]))
        options = self._java_options
        if options == FAST_START:
            options += archive_options(jars, _record)
        java_command = [java(), *_JVM, *options, "-cp", f"{jars}/*"]
        return [*java_command, "kafka.Kafka", str(self.properties_path)]

    def _answers(self) -> bool:
        # A plain connection first: librdkafka backs off, and logs, when it is refused.
        try:
            socket.create_connection(("127.0.0.1", self._port), 0.2).close()
            metadata = AdminClient({"bootstrap.servers": self.bootstrap}).list_topics(timeout=5)
        except (OSError, KafkaException):
            return False
        return bool(metadata.brokers)


def _record(option: str, folder: Path) -> None:
    """Start and stop a broker that was given one more option of the JVM."""
    with LocalKafka(folder, java_options=(*FAST_START, option)):
        pass
    shutil.rmtree(folder)
