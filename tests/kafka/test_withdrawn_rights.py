"""A right withdrawn under a worker at work: it says which, is not ready, and goes on later."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.secure_broker import SecureBroker, documented_rights, secure_broker
from tests.kafka.tap import Tap
from tests.kafka.workforce import WorkerProcess

pytestmark = pytest.mark.kafka
PAGE = Path(__file__).parents[2] / "docs" / "security.md"
PASSWORD = "not-in-any-log"


@dataclass
class Watched:
    """A worker with the documented rights, and what it has answered."""

    broker: SecureBroker
    kafka: KafkaCluster
    fleet: Fleet
    worker: WorkerProcess
    results: Tap
    sent: int = 0

    def send(self, count: int) -> None:
        produce(self.kafka, self.fleet.ticks, random_ticks(count, 10, seed=self.sent))
        self.sent += count

    def answered(self) -> None:
        self.fleet.wait_for(lambda: self.results.count == self.sent, 60, "all results")
        self.fleet.wait_for(lambda: self.worker.ready, 30, "readiness")

    def without(self, resource: str, name: str, operation: str, says: str) -> None:
        """Withdraw a right, send ticks, and see what the worker tells, until it is given back."""
        right, log = (resource, name, "literal", operation), self.fleet.logs
        self.broker.revoke("fleet", right)
        self.send(50)
        self.fleet.wait_for(lambda: says in log() and not self.worker.ready, 30, f"{says!r}")
        assert self.worker.running
        if resource == "topic":
            # More where a commit failed for it: then what was answered is to be replayed.
            waits = lambda: sum(self.worker.metric("tickfleet_lag_records")) >= 50  # noqa: E731
            self.fleet.wait_for(waits, 30, "the lag")
        self.broker.grant("fleet", [right])
        self.answered()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with secure_broker(tmp_path) as broker:
        kafka = KafkaCluster(broker.bootstrap)
        client = broker.add_user("fleet", PASSWORD)
        settings = {"bootstrap_servers": broker.secure_bootstrap, "kafka": client}
        fleet = Fleet(kafka, tmp_path / "fleet", kafka.create_topic("ticks"), 1, settings)
        names = {name.replace("_", "-"): topic for name, topic in fleet.topics.items()}
        names["GROUP"] = fleet.group
        broker.grant("fleet", documented_rights(PAGE.read_text(), names))
        tap = Tap(kafka, fleet.topics["predictions"], 1)
        try:
            yield Watched(broker, kafka, fleet, fleet.start("w-0"), tap)
        finally:
            fleet.kill_all()
            tap.close()


def test_what_is_lacking_is_named_and_once_it_is_given_back_all_is_answered(
    watched: Watched,
) -> None:
    topics, group = watched.fleet.topics, watched.fleet.group
    watched.send(50)
    watched.answered()
    watched.without("topic", topics["predictions"], "WRITE", f"WRITE on {topics['predictions']}")
    watched.without("topic", topics["ticks"], "READ", f"READ on {topics['ticks']}")
    watched.without("group", group, "READ", f"READ on the group {group}")
    assert watched.worker.terminate() == 0
