"""`tickfleet snapshot` of what the store does not hold: an error, not "nothing is damaged"."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from ops.cli import main
from snapshots import SnapshotWriter, list_snapshots, open_store
from tests.ops.cli.operated import run
from tests.snapshots.builders import HEADER, SCOPE, advance, make_image
from workers.group.view import GroupView, MemberView


@pytest.fixture
def settings(tmp_path: Path) -> tuple[str, ...]:
    """Of a group with a snapshot of partition 3 alone."""
    url = (tmp_path / "snapshots").as_uri()
    writer = SnapshotWriter(open_store(url), HEADER)
    writer.submit(SCOPE, replace(make_image(5), topic_id="then")).result()
    assert writer.close(10.0)
    config = tmp_path / "fleet.toml"
    config.write_text(f'snapshot_url = "{url}"\ngroup_id = "{SCOPE.group}"\n', "utf-8")
    return ("-c", str(config))


@pytest.fixture
def whole_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It lacks nothing, whichever snapshot is asked about."""
    monkeypatch.setattr("ops.cli.snapshot.restore.gaps_behind", lambda *_: {})


def test_what_is_there_is_shown(settings: tuple[str, ...]) -> None:
    for partition in ((), ("-p", "3")):
        assert "3\t100\t" in run("snapshot", "verify", *settings, *partition).stdout


@pytest.mark.parametrize(
    "command", [["ls"], ["show"], ["verify"], ["gc"], ["restore"], ["dumps"], ["diff", "newest"]]
)
def test_what_is_not_there_is_said(settings: tuple[str, ...], command: list[str]) -> None:
    absent = run("snapshot", *command, *settings, "-p", "3", "-p", "99", code=2).stderr
    assert absent == (
        "error: the store holds nothing of partition 99 of group group and topic ticks\n"
    )
    other = run("snapshot", *command, *settings, "--group", "nope", code=2).stderr
    assert other.startswith("error: the store holds nothing of group nope and topic ticks: check")


@pytest.mark.parametrize("command", [["ls"], ["show"], ["verify"], ["dumps"], ["diff", "newest"]])
def test_looking_makes_no_store_where_a_url_is_misspelt(
    settings: tuple[str, ...], command: list[str]
) -> None:
    config = Path(settings[1])
    config.write_text(config.read_text("utf-8").replace('snapshots"', 'misspelt"'), "utf-8")
    said = run("snapshot", *command, *settings, code=2).stderr
    assert said.startswith("error: there is no folder "), said
    assert not (config.parent / "misspelt").exists()


def test_a_copy_for_another_group_says_what_is_still_to_be_done(settings: tuple[str, ...]) -> None:
    said = run("snapshot", "copy", *settings, "--to-group", "next").stdout
    assert "next, point group next at this: `tickfleet snapshot restore`" in said
    lines = run("snapshot", "copy", *settings, "--to-group", "next", "--json").stdout
    assert len(lines.splitlines()) == 1


def test_a_damaged_snapshot_keeps_no_other_from_being_copied(
    settings: tuple[str, ...], tmp_path: Path
) -> None:
    store = open_store((tmp_path / "snapshots").as_uri())
    writer = SnapshotWriter(store, HEADER)
    neighbour = replace(SCOPE, partition=4)
    writer.submit(neighbour, make_image(5)).result()
    writer.submit(SCOPE, advance(make_image(5), [1])).result()
    assert writer.close(10.0)
    damaged = list_snapshots(store, SCOPE)[-1]
    (tmp_path / "snapshots" / SCOPE.manifest_key(damaged)).write_bytes(b"")
    options = (*settings, "--to", (tmp_path / "backup").as_uri())
    told = run("snapshot", "copy", *options, "--all", code=1)
    assert f"partition 3: snapshot {damaged.name} is damaged (" in told.stderr
    assert "`tickfleet snapshot verify -p 3` tells which are sound" in told.stderr
    copied = open_store((tmp_path / "backup").as_uri())
    assert list_snapshots(copied, SCOPE) == list_snapshots(store, SCOPE)[:1]
    assert list_snapshots(copied, neighbour) == list_snapshots(store, neighbour)
    refused = run("snapshot", "restore", *settings, damaged.digest[:12], "-p", "3", code=2).stderr
    assert "`tickfleet snapshot verify -p 3` tells which are sound" in refused


@pytest.mark.parametrize(
    ("options", "working", "code", "said"),
    [
        (("--older-than-h", "0.9"), True, 2, "stop every worker first, or say --older-than-h 1 or"),
        (("--older-than-h", "0.9"), False, 0, "partition 3: removed 0 snapshots"),
        (("--older-than-h", "0.9", "--dry-run"), True, 0, "partition 3: would remove 0"),
        (("--older-than-h", "1"), True, 0, "partition 3: removed 0 snapshots"),
    ],
)
def test_what_workers_are_writing_is_no_garbage(
    settings: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    *,
    working: bool,
    code: int,
    said: str,
) -> None:
    members = (MemberView("w-0", "here", (3,)),) if working else ()
    monkeypatch.setattr("ops.fleet.empty.describe_group", lambda _: GroupView("STABLE", members))
    monkeypatch.setattr("ops.fleet.empty._GRACE_S", -1_000.0)
    monkeypatch.setattr("ops.cli.snapshot.gc.committed", lambda *_: {})
    asked = SimpleNamespace(ask=lambda: "then")
    monkeypatch.setattr("ops.cli.snapshot.gc.TopicIdentity", lambda _: asked)
    assert said in run("snapshot", "gc", *settings, *options, code=code).output


@pytest.mark.parametrize(
    ("topic_id", "answer", "code", "said"),
    [
        ("then", "y\n", 0, "goes on from there"),
        ("then", "n\n", 1, "Aborted!"),
        ("then", "", 2, "say --yes"),
        (None, "y\n", 0, "goes on from there"),
        ("now", "y\n", 2, "of another ticks topic, with id then"),
    ],
)
@pytest.mark.usefixtures("whole_journal")
def test_restore_asks_says_what_does_without_an_answer_and_refuses_another_topics(
    settings: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    topic_id: str | None,
    answer: str,
    code: int,
    said: str,
) -> None:
    done: list[object] = []
    asked = SimpleNamespace(ask=lambda: topic_id)
    monkeypatch.setattr("ops.cli.snapshot.restore.TopicIdentity", lambda _: asked)
    monkeypatch.setattr("ops.cli.snapshot.restore.current_header", lambda *_: HEADER)
    monkeypatch.setattr("ops.cli.snapshot.restore.adopt", lambda *what: done.append(what))
    restored = CliRunner().invoke(main, ["snapshot", "restore", *settings], input=answer)
    assert (restored.exit_code, said in restored.output) == (code, True), restored.output
    assert bool(done) == (code == 0)
