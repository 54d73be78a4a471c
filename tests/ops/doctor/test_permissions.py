"""The doctor with a worker's own rights, and without one of them."""

import json
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.fleet import Fleet
from tests.kafka.secure_broker import documented_rights, secure_broker
from tests.ops.cli.operated import run, settings_file

pytestmark = pytest.mark.kafka
PAGE = Path(__file__).parents[3] / "docs" / "security.md"


def _said(config: Path, code: int) -> dict[str, list[tuple[str, str]]]:
    said: dict[str, list[tuple[str, str]]] = {}
    for line in run("doctor", "-c", config, "--json", code=code).stdout.splitlines():
        one = json.loads(line)
        said.setdefault(one["check"], []).append((one["status"], one["message"]))
    return said


def _join_and_leave(kafka: KafkaCluster, group: str, topic: str) -> None:
    """Of a group that never was no broker tells what is allowed."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group})
    assigned: list[object] = []
    consumer.subscribe([topic], on_assign=lambda _consumer, places: assigned.extend(places))
    while not assigned:
        consumer.poll(0.1)
    consumer.close()


def test_the_documented_rights_satisfy_the_doctor_and_a_missing_one_is_named(
    tmp_path: Path,
) -> None:
    with secure_broker(tmp_path) as broker:
        kafka = KafkaCluster(broker.bootstrap)
        client = broker.add_user("fleet", "secret")
        settings = {"bootstrap_servers": broker.secure_bootstrap, "kafka": client}
        fleet = Fleet(kafka, tmp_path / "fleet", kafka.create_topic("ticks"), 1, settings)
        config = settings_file(fleet, tmp_path / "fleet.toml")
        names = {name.replace("_", "-"): topic for name, topic in fleet.topics.items()}
        rights = documented_rights(PAGE.read_text(), {**names, "GROUP": fleet.group})
        journal, group = fleet.topics["journal"], fleet.group
        lacking = [("topic", journal, "literal", "WRITE"), ("group", group, "literal", "READ")]
        assert set(lacking) < set(rights)
        broker.grant("fleet", [one for one in rights if one not in lacking])
        _join_and_leave(kafka, group, fleet.ticks)

        said = _said(config, code=1)
        assert ("failed", f"not allowed: WRITE on {journal}") in said["permissions"]
        assert ("failed", f"not allowed: READ on the group {group}") in said["permissions"]
        broker.grant("fleet", lacking)
        said = _said(config, code=0)
        assert {status for status, _ in said["permissions"]} == {"ok"}
        assert said["topics"][0][0] == "ok"
        assert "secret" not in str(said)
