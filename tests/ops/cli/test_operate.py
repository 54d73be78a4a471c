"""An operator's day: doctor, top, tail, snapshots, going back to one, on a real fleet."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from snapshots import SnapshotScope, list_snapshots, open_store
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet, make_fleet
from tests.kafka.feed import produce, random_ticks, ticks_that_turn_rough
from tests.kafka.fleet import Fleet
from tests.kafka.tap import read_topic
from tests.kafka.verdict import verdict
from tests.ops.cli.operated import run, settings_file

__all__ = ["make_fleet"]

pytestmark = pytest.mark.kafka
PARTITIONS = 2
TICKS = 1_000


def _lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def _findings(config: Path, code: int) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in _lines(run("doctor", "-c", config, "--json", code=code)):
        found.setdefault(line["check"], []).append(line)
    return found


def _finished(kafka: KafkaCluster, make_fleet: MakeFleet) -> Fleet:
    """A fleet that has answered everything and stopped in order."""
    ticks = kafka.create_topic("ticks", partitions=PARTITIONS)
    fleet = make_fleet("fleet", ticks, PARTITIONS)
    produce(kafka, ticks, random_ticks(TICKS, 10, seed=1))
    fleet.start("w-0")
    read_topic(kafka, fleet.topics["predictions"], PARTITIONS, TICKS)
    fleet.stop()
    return fleet


def test_a_running_fleet_is_seen_from_outside(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    ticks = kafka.create_topic("ticks", partitions=PARTITIONS)
    fleet = make_fleet("fleet", ticks, PARTITIONS)
    config = settings_file(fleet, tmp_path / "fleet.toml")
    produce(kafka, ticks, random_ticks(TICKS, 10, seed=1))
    rough = ticks_that_turn_rough("rough")
    produce(kafka, ticks, rough)
    count = TICKS + len(rough.asset)
    fleet.start("w-0")
    read_topic(kafka, fleet.topics["predictions"], PARTITIONS, count)
    fleet.wait_for(lambda: all(c.metadata for c in fleet.committed().values()), 60, "snapshots")

    found = _findings(config, code=0)
    assert {one["status"] for one in found["group"]} == {"ok"}
    assert "w-0 (2)" in found["group"][0]["message"]
    assert found["config"][0]["message"].endswith("as in the journal")
    assert found["commits"][-1]["message"] == "2 of 2 partitions name a usable snapshot"
    assert found["store"][0]["status"] == "ok"
    assert found["registry"][0]["status"] == "skipped"

    [picture] = _lines(run("top", "-c", config, "--once", "--json", "--interval", "0.5"))
    assert picture["state"] == "STABLE"
    assert picture["members"] == ["w-0"]
    assert [one["worker"] for one in picture["partitions"]] == ["w-0", "w-0"]
    assert sum(one["answered_to"] + 1 for one in picture["partitions"]) == count
    assert sum(one["lag_records"] for one in picture["partitions"]) == 0
    assert "stable" in run("top", "-c", config, "--once", "--interval", "0.3").output

    asset = "asset-00003"
    options = ("-c", config, "--from-beginning", "--stop-at-end", "--json", "--asset", asset)
    results = _lines(run("tail", *options))
    assert results
    assert {one["value"]["asset_id"] for one in results} == {asset}
    assert [one["value"]["sequence"] for one in results] == list(range(1, len(results) + 1))

    critical = ("--from-beginning", "--stop-at-end", "--severity", "critical", "--json")
    events = _lines(run("tail", "flags", "-c", config, *critical))
    assert {one["value"]["severity"] for one in events} <= {"critical"}

    dump, *_ = _lines(run("snapshot", "dumps", "-c", config, "--json"))
    assert (dump["asset_id"], len(dump["signal_buffer"])) == ("rough", 128)
    assert {round(price, 6) for price in dump["signal_buffer"]} <= set(rough.price.round(6))
    assert "rough" in run("snapshot", "dumps", "-c", config, "--asset", "rough").output
    assert "rough" not in run("snapshot", "dumps", "-c", config, "--asset", asset).output

    refused = run("snapshot", "restore", "-c", config, "--yes", code=2)
    assert "has members (w-0)" in refused.stderr


def test_top_stays_on_the_terminal_until_it_is_interrupted(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    fleet = make_fleet("fleet", kafka.create_topic("ticks"), 1)
    config = settings_file(fleet, tmp_path / "fleet.toml")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ops.cli", "top", "-c", str(config), "--interval", "0.3"]
    # A shell's background job ignores interrupts, and so would what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as top:
        signal.signal(signal.SIGINT, before)
        shown = b""
        while shown.count(b"nobody") < 3:
            assert top.poll() is None, shown
            if select.select([ours], [], [], 30)[0]:
                shown += os.read(ours, 65_536)
        assert fleet.group.encode() in shown
        top.send_signal(signal.SIGINT)
        # What it still writes must be read, or it could not end.
        while top.poll() is None:
            if select.select([ours], [], [], 0.1)[0]:
                os.read(ours, 65_536)
        assert top.returncode == 0
    os.close(ours)
    os.close(theirs)


def test_going_back_to_an_older_snapshot_answers_nothing_twice(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    fleet = _finished(kafka, make_fleet)
    config = settings_file(fleet, tmp_path / "fleet.toml")
    store = open_store((fleet.folder / "snapshots").as_uri())
    produce(kafka, fleet.ticks, random_ticks(TICKS, 12, seed=2))
    fleet.start("w-0")
    results = read_topic(kafka, fleet.topics["predictions"], PARTITIONS, 2 * TICKS)
    fleet.stop()

    listed = _lines(run("snapshot", "ls", "-c", config, "--json"))
    assert {one["partition"] for one in listed} == {0, 1}
    assert "offset" in run("snapshot", "ls", "-c", config).output
    [newest] = _lines(run("snapshot", "show", "-c", config, "-p", "0", "--json"))
    assert newest["assets"] > 0
    assert newest["offset"] == fleet.committed()[0].offset
    old = [one for one in listed if one["partition"] == 0][-1]
    found = _lines(run("snapshot", "diff", "-c", config, "-p", "0", old["digest"][:12], "--json"))
    assert found[0]["offsets"] == newest["offset"] - old["offset"]
    assert found[0]["changed"] and not found[0]["config"]
    assert "sound" in run("snapshot", "verify", "-c", config).output

    for partition in range(PARTITIONS):
        older = list_snapshots(store, SnapshotScope(fleet.group, fleet.ticks, partition))[-1]
        arguments = ("-p", str(partition), "--yes", older.digest[:16])
        run("snapshot", "restore", "-c", config, *arguments)
        assert fleet.committed()[partition].offset == older.offset
    replaying = fleet.start("w-1")
    fleet.wait_for(
        lambda: replaying.log.read_text().count("partition_live") == PARTITIONS, 60, "the replay"
    )
    fleet.stop()
    inputs = read_topic(kafka, fleet.ticks, PARTITIONS, 2 * TICKS)
    again = read_topic(kafka, fleet.topics["predictions"], PARTITIONS, 2 * TICKS)
    accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
    assert verdict(accepted, again).holds
    assert {p: [r.value for r in rs] for p, rs in again.items()} == {
        p: [r.value for r in rs] for p, rs in results.items()
    }
