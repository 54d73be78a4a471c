"""What the operator's commands find and mend when things are broken or moved."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from core import PredictorConfig
from ops.doctor import decisions
from snapshots import SnapshotScope, current_header, list_snapshots, open_store
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet, make_fleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import read_topic
from tests.ops.cli.operated import run, settings_file
from tests.schemas.reference import decode

__all__ = ["make_fleet"]

pytestmark = pytest.mark.kafka
TICKS = 400


def _failed(config: Path) -> dict[str, str]:
    return _said(config, "failed", code=1)


def _said(config: Path, status: str, code: int) -> dict[str, str]:
    lines = run("doctor", "-c", config, "--json", code=code).stdout.splitlines()
    findings: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert all(one["remedy"] for one in findings if one["status"] in {"failed", "warning"})
    return {one["check"]: one["message"] for one in findings if one["status"] == status}


def _answered(kafka: KafkaCluster, make_fleet: MakeFleet, **settings: Any) -> Fleet:
    """A fleet on one partition that has answered everything and stopped in order."""
    return _has_answered(make_fleet("old", kafka.create_topic("ticks"), 1, **settings))


@pytest.fixture(scope="module")
def old(kafka: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Such a fleet, for those who leave its snapshots and commits as they are."""
    fleet = Fleet(kafka, tmp_path_factory.mktemp("old"), kafka.create_topic("ticks"), 1)
    try:
        yield _has_answered(fleet)
    finally:
        fleet.kill_all()


def _new_answers(kafka: KafkaCluster, new: Fleet) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first and the last of a worker's results, once there are as many as ticks."""
    new.start("w-0")
    [results] = read_topic(kafka, new.topics["predictions"], 1, TICKS).values()
    new.stop()
    first, last = (decode("PredictionResult", results[at].value or b"") for at in (0, -1))
    return first, last


def _has_answered(fleet: Fleet) -> Fleet:
    kafka, ticks = fleet.kafka, fleet.ticks
    produce(kafka, ticks, random_ticks(TICKS, 5, seed=1))
    fleet.start("w-0")
    read_topic(kafka, fleet.topics["predictions"], 1, TICKS)
    fleet.stop()
    return fleet


def test_doctor_names_damage_and_other_settings(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = _answered(kafka, make_fleet)
    config = settings_file(fleet, tmp_path / "same.toml")
    store = open_store((fleet.folder / "snapshots").as_uri())
    scope = SnapshotScope(fleet.group, fleet.ticks, 0)

    # Nobody saves, ticks come, and another JAX is installed here.
    produce(kafka, fleet.ticks, random_ticks(3, 5, seed=2))
    for file in (fleet.folder / "snapshots").rglob("*-*"):
        os.utime(file, (time.time() - 3_600, time.time() - 3_600))
    with monkeypatch.context() as patched:
        here = current_header(PredictorConfig())
        changed = replace(here, runtime={**here.runtime, "jaxlib": "0.0"})
        patched.setattr(decisions, "current_header", lambda *_: changed)
        warned = _said(config, "warning", code=0)
    assert "s old and 3 records behind" in warned["snapshots"]
    assert "jaxlib" in warned["programs"] and "0.0 here" in warned["programs"]

    other = settings_file(fleet, tmp_path / "other.toml", extra="[predictor]\ncusum_h = 4.5")
    assert "differing: cusum_h" in _failed(other)["config"]

    [chunk, *_] = store.list(scope.chunk_prefix)
    newest = list_snapshots(store, scope)[0]
    store.put(chunk, store.get(chunk)[:-1])
    assert "checksum" in run("snapshot", "verify", "-c", config, code=1).output
    store.delete(scope.manifest_key(newest))
    assert "no object" in _failed(config)["snapshots"]

    gone = settings_file(fleet, tmp_path / "gone.toml", snapshot_url="file:///proc/none")
    assert "cannot open" in _failed(gone)["store"]


def test_doctor_without_brokers_says_so_and_skips_the_rest(tmp_path: Path) -> None:
    config = tmp_path / "silent.toml"
    config.write_text(
        'bootstrap_servers = "127.0.0.1:1"\nclient_timeout_s = 2.0\n'
        f'snapshot_url = "{(tmp_path / "snapshots").as_uri()}"\n'
    )
    failed = _failed(config)
    assert "no answer from 127.0.0.1:1" in failed["brokers"]
    assert set(failed) == {"brokers"}


def test_doctor_on_a_cluster_without_our_topics(kafka: KafkaCluster, tmp_path: Path) -> None:
    config = tmp_path / "new.toml"
    config.write_text(
        f'bootstrap_servers = "{kafka.bootstrap}"\ngroup_id = "nobody"\n'
        f'snapshot_url = "{(tmp_path / "snapshots").as_uri()}"\n'
        '[topics]\nticks = "absent-ticks"\njournal = "absent-journal"\n'
    )
    assert "missing topics" in _failed(config)["topics"]


def test_a_new_cluster_goes_on_from_the_store_alone(
    kafka: KafkaCluster, make_fleet: MakeFleet, old: Fleet, tmp_path: Path
) -> None:
    # Everything but the store is gone: new topics, a new group, its own store.
    ticks = kafka.create_topic("ticks")
    new = make_fleet("new", ticks, 1)
    target = (new.folder / "snapshots").as_uri()
    was = settings_file(old, tmp_path / "old.toml")
    now = settings_file(new, tmp_path / "new.toml")
    moved = ("--to", target, "--to-group", new.group, "--to-topic", ticks, "--begin-at", "0")
    run("snapshot", "copy", "-c", was, *moved)
    run("snapshot", "restore", "-c", now, "--yes")
    produce(kafka, ticks, random_ticks(TICKS, 5, seed=2))
    first, last = _new_answers(kafka, new)
    assert first["source_offset"] == 0
    # The asset's past was not forgotten: its count of ticks goes on.
    assert last["sequence"] > TICKS // 5
    assert not last["warming_up"]


def test_another_configuration_goes_on_under_a_new_group(
    kafka: KafkaCluster, make_fleet: MakeFleet, old: Fleet, tmp_path: Path
) -> None:
    new = make_fleet("new", old.ticks, 1, predictor={"cusum_h": 4.5})
    extra = "[predictor]\ncusum_h = 4.5"
    was = settings_file(old, tmp_path / "old.toml", extra=extra)
    now = settings_file(new, tmp_path / "new.toml")
    target = (new.folder / "snapshots").as_uri()
    run("snapshot", "copy", "-c", was, "--to", target, "--to-group", new.group, "--adopt-config")
    run("snapshot", "restore", "-c", now, "--yes")
    produce(kafka, old.ticks, random_ticks(TICKS, 5, seed=2))
    first, _ = _new_answers(kafka, new)
    assert first["source_offset"] == TICKS, "nothing twice, nothing left out"
    assert first["sequence"] > 1
    refused = settings_file(new, tmp_path / "refused.toml")
    refused.write_text(refused.read_text().replace("4.5", "5.0"))
    assert "cusum_h" in run("snapshot", "restore", "-c", refused, "--yes", code=2).stderr


def test_a_group_that_builds_its_state_anew_goes_on_where_the_old_one_stopped(
    kafka: KafkaCluster, make_fleet: MakeFleet, old: Fleet, tmp_path: Path
) -> None:
    begins = {"cold_start": "latest", "cold_start_rewind": TICKS // 2}
    new = make_fleet("new", old.ticks, 1, predictor={"cusum_h": 4.5}, **begins)
    # Between the stop of one and the start of the other ticks come.
    produce(kafka, old.ticks, random_ticks(TICKS, 5, seed=2))
    stopped = TopicPartition(old.ticks, 0, old.committed()[0].offset)
    writer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": new.group})
    writer.commit(offsets=[stopped], asynchronous=False)
    writer.close()
    first, _ = _new_answers(kafka, new)
    assert first["source_offset"] == TICKS, "nothing twice, nothing left out"
    assert first["sequence"] > 1, "warmed up"
    config = settings_file(new, tmp_path / "new.toml")
    out = str(tmp_path / "again")
    verified = ("--as-recorded", "--verify", new.topics["predictions"], "--out", out)
    run("backtest", "-c", config, "--topic", old.ticks, *verified)


def test_a_snapshot_whose_journal_is_gone_is_gone_on_from_under_a_new_group(
    kafka: KafkaCluster, make_fleet: MakeFleet, old: Fleet, tmp_path: Path
) -> None:
    new = make_fleet("new", old.ticks, 1)
    was = settings_file(old, tmp_path / "old.toml")
    now = settings_file(new, tmp_path / "new.toml")
    anew = was.read_text("utf-8").replace(old.topics["journal"], kafka.create_topic("journal"))
    was.write_text(anew, "utf-8")
    before = old.committed()
    refused = run("snapshot", "restore", "-c", was, "--yes", code=2).stderr
    assert "partition 0: the journal ends at 0, before " in refused
    assert "which may take the state along (docs/upgrades.md, the journal is lost)" in refused
    assert old.committed() == before
    target = (new.folder / "snapshots").as_uri()
    run("snapshot", "copy", "-c", was, "--to", target, "--to-group", new.group)
    run("snapshot", "restore", "-c", now, "--yes")
    produce(kafka, old.ticks, random_ticks(TICKS, 5, seed=2))
    first, _ = _new_answers(kafka, new)
    assert first["source_offset"] == TICKS, "nothing twice, nothing left out"
    assert first["sequence"] > 1


def test_a_group_whose_offsets_have_expired_goes_on_from_its_snapshots(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    fleet = _answered(kafka, make_fleet)
    config = settings_file(fleet, tmp_path / "fleet.toml")
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    fleet.wait_for(lambda: _is_deleted(admin, fleet.group), 30, "the group to be without members")
    # Everything answered is past its retention, and so is all that told of it.
    emptied = [TopicPartition(one, 0, -1) for one in (fleet.ticks, fleet.topics["journal"])]
    for done in admin.delete_records(emptied).values():
        done.result(30)
    produce(kafka, fleet.ticks, random_ticks(TICKS, 5, seed=2))
    assert "has snapshots of the group" in _failed(config)["commits"]
    run("snapshot", "restore", "-c", config, "--yes")
    fleet.start("w-0")
    results = read_topic(kafka, fleet.topics["predictions"], 1, 2 * TICKS)
    fleet.stop()
    decoded = [decode("PredictionResult", one.value or b"") for one in results[0]]
    assert [one["source_offset"] for one in decoded] == list(range(2 * TICKS))
    assert decoded[-1]["sequence"] > TICKS // 5


def _is_deleted(admin: AdminClient, group: str) -> bool:
    try:
        admin.delete_consumer_groups([group])[group].result(30)
    except KafkaException as error:
        assert error.args[0].code() == KafkaError.NON_EMPTY_GROUP
        return False
    return True


def test_more_partitions_under_a_new_group(
    kafka: KafkaCluster, make_fleet: MakeFleet, old: Fleet, tmp_path: Path
) -> None:
    wider = kafka.create_topic("ticks", partitions=3)
    new = make_fleet("new", wider, 3)
    run("doctor", "-c", settings_file(new, tmp_path / "new.toml"))
    produce(kafka, wider, random_ticks(TICKS, 30, seed=2))
    new.start("w-0")
    results = read_topic(kafka, new.topics["predictions"], 3, TICKS)
    new.stop()
    decoded = [decode("PredictionResult", r.value or b"") for rs in results.values() for r in rs]
    assert {one["source_topic"] for one in decoded} == {wider}
    assert len({one["source_partition"] for one in decoded}) == 3
    # State is by partition: an asset begins anew, and says so.
    assert all(one["warming_up"] for one in decoded if one["sequence"] == 1)
    assert sum(one["sequence"] == 1 for one in decoded) == 30
    assert old.committed()[0].offset == TICKS, "the old group is left as it was"


def test_another_store_takes_over(
    kafka: KafkaCluster, make_fleet: MakeFleet, bucket: str, s3_endpoint: str, tmp_path: Path
) -> None:
    fleet = _answered(kafka, make_fleet)
    reach = {"endpoint_url": s3_endpoint, "addressing_style": "path"}
    options = "\n".join(f'{key} = "{value}"' for key, value in reach.items())
    config = settings_file(fleet, tmp_path / "f.toml", extra=f"[store_options]\n{options}")
    url = f"s3://{bucket}/moved"
    told = run("snapshot", "copy", "-c", config, "--all", "--to", url, "--json").stdout
    assert fleet.committed()[0].metadata in {json.loads(one)["to"] for one in told.splitlines()}
    produce(kafka, fleet.ticks, random_ticks(TICKS, 5, seed=2))
    worker = fleet.start("w-1", snapshot_url=url, store_options=reach)
    read_topic(kafka, fleet.topics["predictions"], 1, 2 * TICKS)
    fleet.stop()
    assert "source=snapshot" in worker.log.read_text().replace("'", "")


def test_garbage_goes_and_what_the_commit_names_stays(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    fleet = _answered(kafka, make_fleet, snapshot_interval_s=0.2)
    config = settings_file(fleet, tmp_path / "fleet.toml")
    store = open_store((fleet.folder / "snapshots").as_uri())
    scope = SnapshotScope(fleet.group, fleet.ticks, 0)
    for life in (2, 3):
        produce(kafka, fleet.ticks, random_ticks(TICKS, 5, seed=life))
        fleet.start("w-0")
        read_topic(kafka, fleet.topics["predictions"], 1, life * TICKS)
        fleet.stop()
    before = list_snapshots(store, scope)
    # What the commit names stays, and its parent; the oldest is one too many.
    assert len(before) >= 3
    options = ("-c", config, "--keep", "1", "--older-than-h", "0")
    planned = run("snapshot", "gc", *options, "--dry-run").output
    assert "would remove" in planned
    [told] = run("snapshot", "gc", *options, "--dry-run", "--json").stdout.splitlines()
    assert json.loads(told)["snapshots_removed"] == len(before) - len(json.loads(told)["kept"]) > 0
    assert list_snapshots(store, scope) == before
    assert planned.replace("would remove", "removed") == run("snapshot", "gc", *options).output
    committed = fleet.committed()[0]
    kept = list_snapshots(store, scope)
    assert committed.metadata in {ref.digest for ref in kept}
    run("snapshot", "verify", "-c", config)


def test_dead_letters_are_sent_again_once(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    topic = kafka.create_topic("ticks", partitions=2)
    fleet = make_fleet("fleet", topic, 2)
    config = settings_file(fleet, tmp_path / "fleet.toml")
    ticks = random_ticks(20, 2, seed=1)
    ticks.price[5] = -1.0
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(topic, b"no tick", b"asset-00000")
    producer.produce(topic, None, b"asset-00000")
    producer.flush(10)
    produce(kafka, topic, ticks)
    fleet.start("w-0")
    read_topic(kafka, fleet.topics["dead_letters"], 1, 3)
    fleet.stop()

    dry = run("replay-dead-letters", "-c", config, "--dry-run").output
    assert "InvalidPrice: 1 not sent yet" in dry
    # The cause is mended: such prices are allowed from now on.
    fleet.start("w-0", allow_nonpositive_prices=True)
    replay = ("replay-dead-letters", "-c", config, "--error-class", "InvalidPrice")
    assert run(*replay).output == "InvalidPrice: 1 sent, 0 left\n"
    assert run(*replay).output == "InvalidPrice: 0 sent, 0 left\n"
    results = read_topic(kafka, fleet.topics["predictions"], 2, 20)
    fleet.stop()
    asset = ticks.asset[5]
    [partition] = [p for p, rs in results.items() if asset.encode() in {r.key for r in rs}]
    mine = [decode("PredictionResult", r.value or b"") for r in results[partition]]
    mine = [one for one in mine if one["asset_id"] == asset]
    assert len(mine) == ticks.asset.count(asset), "in its own partition, and each once"
    assert mine[-1]["timestamp_ns"] == ticks.timestamp_ns[5], "behind those that came meanwhile"
    assert "never be a tick" in run(*replay[:-1], "Tombstone", code=2).stderr
    options = ("-c", config, "--from-beginning", "--stop-at-end", "--json")
    letters = run("tail", "dead_letters", *options, "--error-class", "Tombstone").stdout
    assert len(letters.splitlines()) == 1
    assert len(run("tail", "dead_letters", *options, "--limit", "2").stdout.splitlines()) == 2
    asked = run("tail", "ticks", *options, "--asset", asset, "--limit", "5").stdout.splitlines()
    assert [json.loads(one)["key"] for one in asked] == [asset] * 5
