"""A search on a range of a topic is the one on the same ticks in a file, and keeps its ticks."""

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import produce, random_ticks
from tests.ops.cli import operated

pytestmark = pytest.mark.kafka
_PARTITIONS = 2
_SPACE = '[wtmm_buffer_size]\ntype = "categorical"\nchoices = [64, 128]\n'
_SMALL = ("--folds", "2", "--held-out", "1", "--warm-up", "20", "--embargo", "5")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.toml").write_text(_SPACE, "utf-8")
    return tmp_path


def test_a_range_of_a_topic_is_searched_as_a_file_of_it_is(
    kafka: KafkaCluster, folder: Path
) -> None:
    ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
    produce(kafka, ticks, random_ticks(900, 8, seed=58))
    (folder / "fleet.toml").write_text(f'bootstrap_servers = "{kafka.bootstrap}"\n', "utf-8")
    place = ("--config", "fleet.toml", "--topic", ticks, "--from", "20", "--to", "2200-09-02")
    search = ("tune", *place, "--space", "space.toml", *_SMALL)
    found = operated.run(*search, "--trials", "1", "--out", "a")
    assert "verdict: " in found.stdout
    evidence = _evidence(folder / "a")
    source = evidence["search"]["source"]
    assert (source["from"], source["start"]) == ("20", {"0": 20, "1": 20})
    assert f"{ticks}: 2 folds" in (folder / "a" / "report.md").read_text("utf-8")

    # Neither what is written later nor what retention removes changes an interrupted search.
    produce(kafka, ticks, random_ticks(50, 2, seed=59))
    admin, gone = kafka.admin(), TopicPartition(ticks, 0, 100)
    admin.delete_records([gone])[gone].result(30)
    operated.run(*search, "--trials", "2", "--out", "a", "--resume")
    operated.run(
        *("tune", "--file", "a/ticks.parquet", "--unsorted", "--space", "space.toml", *_SMALL),
        *("--trials", "2", "--out", "b"),
    )
    (one,), (other,) = (_evidence(folder / name)["rounds"] for name in "ab")
    assert len(one["trials"]) == 2
    assert one == other

    later = operated.run(*search, "--trials", "1", "--out", "c")
    assert f"warning: {ticks}[0]: retention has removed everything before" in later.stderr
    changed = [*search, "--trials", "2", "--out", "a", "--resume"]
    changed[changed.index("20")] = "30"
    assert "holds a search with another source." in operated.run(*changed, code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--topic", "nowhere"), "no topic nowhere: check its name"),
        (("--topic", "nowhere", "--from", "soon"), "'soon' is neither an offset nor a time"),
        (("--topic", "nowhere", "--file", "space.toml"), "give either --file or --topic"),
        (("--topic", "nowhere", "--mid"), "--mid says how a file is read: it needs --file"),
        (("--file", "space.toml", "--to", "7"), "--from and --to need --topic"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(
    kafka: KafkaCluster, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    search = ("tune", "--bootstrap", kafka.bootstrap, "--space", "space.toml", *arguments)
    assert message in operated.run(*search, code=2).stderr
    assert not (folder / "tuned").exists()


def test_too_few_ticks_leave_nothing(kafka: KafkaCluster, folder: Path) -> None:
    ticks = kafka.create_topic("ticks")
    produce(kafka, ticks, random_ticks(3, 2, seed=60))
    search = ("tune", "--bootstrap", kafka.bootstrap, "--topic", ticks, "--space", "space.toml")
    assert "3 rows do not fill 5 folds" in operated.run(*search, code=2).stderr
    assert not (folder / "tuned").exists()


def _evidence(search: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((search / "evidence.json").read_text("utf-8"))
    return found
