"""What is sent as new is new when it is sent, however long it took to read and to reach brokers."""

import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.ticks import send
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
