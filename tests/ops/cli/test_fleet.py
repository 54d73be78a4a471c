"""The commands together, as a person uses them: topics, ticks in, a worker, results out."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.cli import main
from tests.fixtures.kafka import KafkaCluster, unique_name

pytestmark = pytest.mark.kafka

_TICKS = 400


@pytest.fixture
def config(kafka: KafkaCluster, tmp_path: Path) -> Path:
    """A settings file for a fleet of its own."""
    prefix = unique_name("fleet")
    topics = ("ticks", "predictions", "flags", "dead_letters", "journal")
    path = tmp_path / "tickfleet.toml"
    path.write_text(
        f'bootstrap_servers = "{kafka.bootstrap}"\n'
        f'group_id = "{prefix}"\n'
        f'snapshot_url = "{(tmp_path / "snapshots").as_uri()}"\n'
        'processing_clock = "event"\n'
        "[topics]\n" + "".join(f'{name} = "{prefix}.{name}"\n' for name in topics) + "[http]\n"
        'host = "127.0.0.1"\nport = 0\n',
        "utf-8",
    )
    return path


def _run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _listening_port(log: Path, worker: subprocess.Popen[bytes]) -> int:
    while worker.poll() is None:
        if found := re.search(r'"port": (\d+), "event": "http_listening"', log.read_text("utf-8")):
            return int(found[1])
        time.sleep(0.1)
    pytest.fail(f"the worker ended: {log.read_text('utf-8')}")


def _ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_ticks_in_results_out(config: Path, tmp_path: Path) -> None:
    create = ("topics", "create", "-c", str(config))
    assert _run(*create, "--partitions", "2", "--replicas", "1").count("created") == 5
    sent = _run("produce", "-c", str(config), "--synthetic", str(_TICKS), "--assets", "5")
    assert sent.startswith(f"sent {_TICKS} ticks of 5 assets")
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "ops.cli", "worker", "-c", str(config)],
            stdout=output,
            stderr=output,
            env={**os.environ, "TICKFLEET_LOG__FORMAT": "json"},
        )
    try:
        port = _listening_port(log, worker)
        consume = ("consume", "-c", str(config), "--json", "--limit", str(_TICKS))
        results = [json.loads(line) for line in _run(*consume).splitlines()]
        assert _ask(port, "/livez")[0] == 200
        status, body = _ask(port, "/readyz")
        assert status == 200, body
        assert "tickfleet_commits_total" in _ask(port, "/metrics")[1]
        assert "metric_refused" not in log.read_text("utf-8")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    finally:
        worker.kill()
        worker.wait()
    causes = {(one["value"]["source_partition"], one["value"]["source_offset"]) for one in results}
    assert len(causes) == _TICKS
    assert {one["kind"] for one in results} == {"PredictionResult"}
    assert all(one["key"] == one["value"]["asset_id"] for one in results)
    _from_a_file(config, tmp_path / "ticks.csv")


def _from_a_file(config: Path, path: Path) -> None:
    """Ticks of a file into the topic, and out of it again; `ls` counts its partitions."""
    path.write_text("asset_id,price,timestamp_ns\nES,1.5,1000\nES,1.75,2000000\n", "utf-8")
    topics = [
        json.loads(one) for one in _run("topics", "ls", "-c", str(config), "--json").splitlines()
    ]
    assert [one["partitions"] for one in topics] == [2] * 5
    ticks = ("-c", str(config), "--topic", topics[0]["name"])
    for restamp, warned in ((), True), (("--restamp",), False):
        sent = CliRunner().invoke(
            main, ["produce", *ticks, "--file", str(path), "--rate", "real", *restamp]
        )
        assert sent.stdout.startswith("sent 2 ticks")
        assert ("as degraded" in sent.stderr) is warned
    shown = _run("consume", *ticks, "--json", "--stop-at-end").splitlines()
    mine = [one["value"] for one in map(json.loads, shown) if one["key"] == "ES"]
    assert [(one["price"], one["target"]) for one in mine] == 2 * [(1.5, 1.5), (1.75, 1.75)]
