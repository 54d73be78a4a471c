"""Several brokers on loopback that replicate one another, for leaders and coordinators to move."""

import contextlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ops.local.kafka import LocalKafka
from ops.local.process import free_port

__all__ = ["LocalCluster"]

_REPLICATION: Final = {
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
}


class LocalCluster:
    """Three brokers, each also a controller; any one may be away. A context manager.

    Args:
        data_dir: a folder for each broker is made in it.

    Raises:
        ArtifactError, LocalDependencyError, LocalStartError: as LocalKafka.
    """

    def __init__(self, data_dir: Path) -> None:
        ports = {node: (free_port(), free_port()) for node in (1, 2, 3)}
        voters = ",".join(f"{n}@127.0.0.1:{controller}" for n, (_, controller) in ports.items())
        self.brokers: Mapping[int, LocalKafka] = {
            node: LocalKafka(
                data_dir / f"broker-{node}",
                port=port,
                controller_port=controller,
                settings={
                    **_REPLICATION,
                    "node.id": str(node),
                    "controller.quorum.voters": voters,
                },
            )
            for node, (port, controller) in ports.items()
        }

    @property
    def bootstrap(self) -> str:
        """All brokers, for `bootstrap.servers`."""
        return ",".join(broker.bootstrap for broker in self.brokers.values())

    def start(self) -> None:
        """Start all at once: none answers before most of them are there."""
        with ThreadPoolExecutor(len(self.brokers)) as pool:
            list(pool.map(LocalKafka.start, self.brokers.values()))

    def stop(self) -> None:
        """SIGKILL: in order each would wait for a successor of its leaderships."""
        for broker in self.brokers.values():
            broker.kill()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            with contextlib.suppress(OSError):
                self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
