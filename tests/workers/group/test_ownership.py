"""The watch for partitions without an owner, while no client can be made; and beside strangers."""

import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.kafka.certificates import Authority
from workers import WorkerConfig
from workers.group import ownership
from workers.group.ownership import OwnershipWatch, _caller
from workers.group.view import GroupView, MemberView
from workers.telemetry.metrics import NullTelemetry


def test_it_outlives_files_of_which_no_client_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As between the two halves of a renewal: a key that does not fit its certificate."""
    monkeypatch.setattr(ownership, "_LOOK_EVERY_S", 0.01)
    files = Authority("fleet").issue(tmp_path, "worker")
    key = (tmp_path / "worker.key").read_bytes()
    (tmp_path / "worker.key").write_text("half a key")
    options = {"security.protocol": "SSL", **files, "log_level": "0"}
    config = WorkerConfig(
        "127.0.0.1:1", "group", "w-0", "file:///unused", client_timeout_s=0.2, kafka=options
    )
    watch = OwnershipWatch(config, NullTelemetry())
    with capture_logs() as lines:
        watch.begin()
        _wait_for(lines, "ssl.key.location")
        (tmp_path / "worker.key").write_bytes(key)
        _wait_for(lines, "no answer in time")
        watch.close()


def test_a_member_of_another_fleet_is_told_once_and_calls_no_rebalance() -> None:
    ours, theirs = MemberView("w-0", "h", (0,)), MemberView("v-0", "h", (), ("others",))
    group = GroupView("STABLE", (theirs, ours))
    assert _caller(group) == "w-0"
    watch = OwnershipWatch(
        WorkerConfig("127.0.0.1:1", "group", "w-0", "file:///unused"), NullTelemetry()
    )
    with capture_logs() as lines:
        for _ in range(2):
            watch._tell(group.strangers)
    [line] = lines
    assert line["event"] == "another_fleet_in_group"
    assert line["members"] == "v-0 is assigned others: another fleet's"
    assert "group_id of its own" in line["remedy"]


def _wait_for(lines: list[EventDict], reason: str) -> None:
    deadline_s = time.monotonic() + 20.0
    while not any(reason in str(line.get("reason")) for line in lines):
        assert time.monotonic() < deadline_s, lines
        time.sleep(0.01)
