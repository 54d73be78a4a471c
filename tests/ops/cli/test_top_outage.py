"""`tickfleet top` outlives an outage of the brokers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.local import LocalKafka
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import produce, random_ticks
from tests.ops.cli.operated import run

pytestmark = pytest.mark.kafka


def test_it_says_that_nobody_answers_and_goes_on_asking(tmp_path: Path) -> None:
    with LocalKafka(tmp_path / "kafka") as broker:
        kafka = KafkaCluster(broker.bootstrap)
        ticks = kafka.create_topic(name="ticks")
        config = _settings(tmp_path, broker)
        run("topics", "create", "-c", config)
        command = [sys.executable, "-m", "ops.cli", "top", "-c", str(config), "--json"]
        with subprocess.Popen(
            [*command, "--interval", "0.3"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as top:
            try:
                pictures = _pictures(top)
                assert next(pictures)["partitions"][0]["lag_records"] == 0
                broker.kill()
                assert top.stderr is not None
                assert "check the brokers" in top.stderr.readline()
                broker.start()
                produce(kafka, ticks, random_ticks(5, 1, seed=1))
                assert any(one["partitions"][0]["lag_records"] == 5 for one in pictures)
            finally:
                top.kill()


def _settings(folder: Path, broker: LocalKafka) -> Path:
    path = folder / "fleet.toml"
    path.write_text(
        f'bootstrap_servers = "{broker.bootstrap}"\n'
        'group_id = "fleet"\n'
        f'snapshot_url = "{(folder / "snapshots").as_uri()}"\n'
        "client_timeout_s = 1.0\n"
    )
    return path


def _pictures(top: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert top.stdout is not None
    for line in top.stdout:
        yield json.loads(line)
