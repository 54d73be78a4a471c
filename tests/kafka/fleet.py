"""A fleet under test: its topics, its workers as processes, and what they left behind."""

import json
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from snapshots import (
    ManifestRef,
    SnapshotScope,
    current_header,
    open_store,
    restore,
    state_digest,
)
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.kafka.worker_process import config_from_json
from tests.kafka.workforce import StartMethod, WorkerProcess

__all__ = ["Fleet", "WorkerProcess"]

PARTITIONED = ("predictions", "journal")


@dataclass
class Fleet:
    """A consumer group of workers on topics of its own.

    Attributes:
        kafka: the cluster.
        folder: snapshots and logs.
        ticks: the ticks topic; several fleets may read the same one.
        partitions: its partition count.
        settings: fields of `WorkerConfig` that differ from the tests' defaults.
        start_method: of its processes; what measures a start or memory needs `spawn`.
    """

    kafka: KafkaCluster
    folder: Path
    ticks: str
    partitions: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    start_method: StartMethod = "forkserver"
    group: str = field(default_factory=lambda: unique_name("fleet"))
    workers: list[WorkerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.topics = {"ticks": self.ticks}
        for name in ("predictions", "flags", "dead_letters", "journal"):
            self.topics[name] = self.kafka.create_topic(
                f"{self.group}-{name}",
                partitions=self.partitions if name in PARTITIONED else 1,
                config={"max.message.bytes": "4000000"} if name == "dead_letters" else {},
            )

    def config_json(self, worker_id: str, **settings: Any) -> str:
        """A worker's configuration."""
        return json.dumps(
            {
                "bootstrap_servers": self.kafka.bootstrap,
                "group_id": self.group,
                "worker_id": worker_id,
                "snapshot_url": (self.folder / "snapshots").as_uri(),
                "topics": self.topics,
                "processing_clock": "event",
                "load_shedding": False,
                "snapshot_interval_s": 1.0,
                **self.settings,
                **settings,
            }
        )

    def start(self, worker_id: str, *, fault: str | None = None, **settings: Any) -> WorkerProcess:
        """Start a worker process."""
        config = self.config_json(worker_id, **settings)
        worker = WorkerProcess(config, self.folder / f"{worker_id}.log", fault, self.start_method)
        self.workers.append(worker)
        return worker

    def lives(self, worker_id: str) -> int:
        """How many times a worker has come as far as joining the group."""
        return (self.folder / f"{worker_id}.log").read_text().count("worker_started")

    def stop(self) -> None:
        """Stop every worker in order; each must exit with 0."""
        for worker in self.workers:
            if worker.running:
                worker.signal(signal.SIGTERM)
        for worker in self.workers:
            if worker.running:
                assert worker.wait(30) == 0, worker.log.read_text()[-3000:]

    def kill_all(self) -> None:
        """Leave no process behind, whatever happened."""
        for worker in self.workers:
            if worker.running:
                worker.kill()

    def committed(self) -> dict[int, TopicPartition]:
        """The group's committed offsets with their metadata, by partition."""
        reader = Consumer(
            {
                "bootstrap.servers": self.kafka.bootstrap,
                "group.id": self.group,
                "isolation.level": "read_committed",
            }
        )
        try:
            wanted = [TopicPartition(self.ticks, p) for p in range(self.partitions)]
            return {tp.partition: tp for tp in reader.committed(wanted, 30)}
        finally:
            reader.close()

    def state_digests(self) -> dict[int, str]:
        """The digest of each partition's committed state."""
        config = config_from_json(self.config_json("reader"))
        store = open_store(config.snapshot_url, config.store_options)
        header = current_header(config.predictor, config.dtype)
        digests = {}
        for number, committed in self.committed().items():
            ref = ManifestRef.parse(committed.metadata or "", offset=committed.offset)
            scope = SnapshotScope(self.group, self.ticks, number)
            digests[number] = state_digest(restore(store, header, scope, ref).image)
        return digests

    def logs(self) -> str:
        """All logs, whole."""
        return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in self.folder.glob("*.log"))

    def log_ends(self) -> str:
        """The ends of all logs, for a failure message."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text()[-4000:]}" for log in self.folder.glob("*.log")
        )

    def wait_for(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        """Wait until a condition holds; fails with the logs when a worker died or time is up."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, (
                f"not within {timeout_s} s: {what}\n{self.log_ends()}"
            )
            time.sleep(0.05)
