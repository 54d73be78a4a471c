"""What is sent as new is new when it is sent, however long it took to read and to reach brokers."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from core import PredictorConfig
from ops.cli import main
from ops.ticks import TickTable, send
from schemas import SingleObjectFraming, TickCodec


class _Brokers:
    """Stands for the client: notes what it is told to send, and when the topic was known."""

    def __init__(self) -> None:
        self.keys: list[bytes | None] = []
        self.values: list[bytes | None] = []
        self.ready_ns = 0

    def check_topic(self, *_: Any) -> None:
        time.sleep(0.05)
        self.ready_ns = time.time_ns()

    def produce(self, *, key: bytes, value: bytes, **_: Any) -> None:
        self.keys.append(key)
        self.values.append(value)

    def poll(self, wait_s: float) -> None:
        time.sleep(wait_s)

    def flush(self, _: float) -> int:
        return 0


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> _Brokers:
    made = _Brokers()
    monkeypatch.setattr(send, "Producer", lambda _: made)
    monkeypatch.setattr(send, "_check_topic", made.check_topic)
    return made


def _sent(monkeypatch: pytest.MonkeyPatch, *options: str) -> tuple[TickTable, Any]:
    """The ticks of a command, and when each is due, seconds."""
    sent: list[tuple[TickTable, Any]] = []

    def send_ticks(table: TickTable, due_s: Any, **_: Any) -> int:
        sent.append((table, due_s))
        return len(table)

    monkeypatch.setattr("ops.cli.produce.send_ticks", send_ticks)
    done = CliRunner().invoke(main, ["produce", "--bootstrap", "unused:1", *options])
    assert done.exit_code == 0, done.output
    return sent[0]


@pytest.mark.parametrize("rate", ["50", "3000", "real"])
def test_made_up_ticks_are_due_at_their_times(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else their age walks at random: up to a second in ten minutes at 1,000 ticks a second."""
    table, due_s = _sent(monkeypatch, "--synthetic", "9000", "--rate", rate)
    np.testing.assert_allclose(due_s, (table.timestamp_ns - table.timestamp_ns[0]) / 1e9)
    if rate != "real":
        # Nine thousand exponential gaps: their mean is off by 5 in a hundred at the very most.
        assert due_s[-1] == pytest.approx(9000 / float(rate), rel=0.05)


def test_a_file_at_a_rate_is_spaced_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text("asset_id,price,timestamp_ns\nES,1.5,1000\nES,1.75,2000000\n", "utf-8")
    _, due_s = _sent(monkeypatch, "--file", str(path), "--rate", "4")
    assert due_s.tolist() == [0.0, 0.25]


def test_what_is_odd_in_a_file_is_told(tmp_path: Path, brokers: _Brokers) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text("asset_id,bid,ask,timestamp_ns\nES,1.5,2,1000\nES,3,2,2000\n", "utf-8")
    quoted = ["--mid", "--bad-quotes", "drop"]
    done = CliRunner().invoke(
        main, ["produce", "--bootstrap", "unused:1", "--file", str(path), *quoted]
    )
    assert done.stdout.startswith("sent 1 ticks"), done.output
    assert "warning: 1 quotes without mid were dropped" in done.stderr
    assert "warning: the first tick is of 1970-01-01 00:00:00" in done.stderr


@pytest.mark.parametrize("options", [(), ("--rate", "1000")])
def test_made_up_ticks_are_not_sparse(
    options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    table, _ = _sent(monkeypatch, "--synthetic", "20000", *options)
    assets = np.array(table.asset_id)
    gaps_ns = [np.diff(table.timestamp_ns[assets == asset]) for asset in set(table.asset_id)]
    late = np.concatenate(gaps_ns) > PredictorConfig().besov_nyquist_interval_ns
    assert late.mean() < 1e-3  # the warning of one holds for 64 ticks


@pytest.mark.parametrize("source", ["file", "synthetic"])
def test_no_tick_is_old_when_it_is_sent(source: str, tmp_path: Path, brokers: _Brokers) -> None:
    path = tmp_path / "ticks.csv"
    path.write_text("asset_id,price,timestamp_ns\nES,1.5,1000\nES,1.75,2000000\n", "utf-8")
    of = {
        "file": ["--file", str(path), "--restamp", "--rate", "real"],
        "synthetic": ["--synthetic", "2", "--rate", "1000"],
    }
    done = CliRunner().invoke(main, ["produce", "--bootstrap", "unused:1", *of[source]])
    assert done.stdout.startswith("sent 2 ticks"), done.output
    ticks, rejected = TickCodec(SingleObjectFraming()).decode(brokers.keys, brokers.values)
    assert not rejected
    assert ticks.timestamp_ns.min() >= brokers.ready_ns
