"""Files that clients were made with are renewed on disk: when the clients are, too."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from structlog.testing import capture_logs

from tests.kafka.certificates import Authority
from tests.workers.telemetry.test_gauges import SteppedClock
from workers import WorkerConfig
from workers.assembly import _ended
from workers.lifecycle.renewal import Renewal
from workers.worker import Worker


@pytest.fixture
def authority() -> Authority:
    return Authority("fleet")


@pytest.fixture
def config(tmp_path: Path, authority: Authority) -> WorkerConfig:
    files = authority.issue(tmp_path, "worker")
    options = {"security.protocol": "SSL", **files, "log_level": "0"}
    return WorkerConfig("127.0.0.1:1", "group", "w-0", "file:///unused", kafka=options)


def _due_after_s(renewal: Renewal, clock: SteppedClock, within_s: int = 120) -> int | None:
    """Seconds until the clients are to be made anew."""
    for second in range(within_s):
        if renewal.due():
            return second
        clock.now_s += 1.0
    return None


def test_what_is_written_again_as_it_was_renews_nothing(
    config: WorkerConfig, tmp_path: Path
) -> None:
    clock = SteppedClock()
    renewal = Renewal(config, clock)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes())
    assert _due_after_s(renewal, clock) is None


def test_a_renewed_certificate_renews_the_clients_once_it_has_settled(
    config: WorkerConfig, tmp_path: Path, authority: Authority
) -> None:
    clock = SteppedClock()
    renewal = Renewal(config, clock)
    authority.issue(tmp_path, "worker")
    clock.now_s += 5.0
    assert not renewal.due()
    (tmp_path / "ca.pem").write_bytes(2 * authority.pem)  # the next authority, beside the former
    wait_s = _due_after_s(renewal, clock)
    assert wait_s is not None and wait_s >= 10
    assert _due_after_s(Renewal(config, clock), clock) is None


def test_workers_of_a_fleet_take_turns(config: WorkerConfig, tmp_path: Path) -> None:
    clock = SteppedClock()
    configs = [replace(config, worker_id=f"w-{number}") for number in range(10)]
    renewals = [Renewal(one, clock) for one in configs]
    (tmp_path / "ca.pem").write_bytes(2 * (tmp_path / "ca.pem").read_bytes())
    turns_s: list[int] = []
    for second in range(80):
        due = [renewal for renewal in renewals if renewal.due()]
        renewals = [renewal for renewal in renewals if renewal not in due]
        turns_s += [second] * len(due)
        clock.now_s += 1.0
    assert len(turns_s) == 10
    assert len(set(turns_s)) > 3


@pytest.fixture(params=["brokers", "registry"])
def secured(request: pytest.FixtureRequest, config: WorkerConfig) -> WorkerConfig:
    """The same files, of whatever is connected to."""
    if request.param == "brokers":
        return config
    options = {k: v for k, v in config.kafka.items() if k.startswith("ssl.")}
    url = "https://127.0.0.1:1"
    return replace(config, kafka={}, schema_registry_url=url, schema_registry=options)


def test_files_that_do_not_belong_together_are_not_taken_and_their_successors_are(
    secured: WorkerConfig, tmp_path: Path, authority: Authority
) -> None:
    config = secured
    clock = SteppedClock()
    renewal = Renewal(config, clock)
    key = (tmp_path / "worker.key").read_bytes()
    authority.issue(tmp_path, "worker")
    (tmp_path / "worker.key").write_bytes(key)
    with capture_logs() as lines:
        assert _due_after_s(renewal, clock) is None
    assert [line["event"] for line in lines] == ["renewed_files_not_taken"]
    (tmp_path / "worker.key").unlink()
    assert _due_after_s(renewal, clock) is None
    authority.issue(tmp_path, "worker")
    assert _due_after_s(renewal, clock) is not None


def test_a_volume_whose_link_is_swapped_counts_as_written(
    config: WorkerConfig, tmp_path: Path, authority: Authority
) -> None:
    for number in ("1", "2"):
        (tmp_path / number).mkdir()
        authority.issue(tmp_path / number, "worker")
    data = tmp_path / "..data"
    data.symlink_to("1")
    options = {
        **config.kafka,
        "ssl.certificate.location": str(data / "worker.crt"),
        "ssl.key.location": str(data / "worker.key"),
    }
    clock = SteppedClock()
    renewal = Renewal(replace(config, kafka=options), clock)
    data.unlink()
    data.symlink_to("2")
    assert _due_after_s(renewal, clock) is not None


def test_a_worker_whose_state_is_not_stored_waits(
    config: WorkerConfig, tmp_path: Path, authority: Authority
) -> None:
    """Its next life would have nothing to answer from."""
    worker, clock = SimpleNamespace(calm=False), SteppedClock()
    renewal = Renewal(config, clock)
    authority.issue(tmp_path, "worker")
    ended = partial(_ended, cast("Worker", worker), lambda: False, renewal)
    for _ in range(200):
        assert not ended()
        clock.now_s += 1.0
    worker.calm = True
    clock.now_s += 5.0
    assert ended()


@pytest.mark.parametrize("options", [{}, {"ssl.ca.location": "probe"}, {"ssl.ca.location": "/"}])
def test_without_files_nothing_is_looked_at(config: WorkerConfig, options: dict[str, str]) -> None:
    assert not Renewal(replace(config, kafka=options), SteppedClock()).due()
