"""`tickfleet demo` itself, small: a real broker, two workers, one killed; its workers traced."""

import os
import subprocess
import sys
from typing import Any

import pytest

from tests.fixtures.otlp import OtlpReceiver


@pytest.mark.kafka
def test_the_demonstration_ends_with_a_sound_audit() -> None:
    sizes = ["--ticks", "5000", "--rate", "500", "--assets", "12", "--partitions", "4"]
    with OtlpReceiver() as receiver:
        traced = {
            "TICKFLEET_TRACES__ENABLED": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        }
        run = subprocess.run(
            [sys.executable, "-m", "ops.cli", "demo", *sizes, "--kills", "1"],
            env={**os.environ, **traced},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    rows = {
        cells[1].strip(): cells[2].strip()
        for line in run.stdout.splitlines()
        if len(cells := line.split("│")) == 4
    }
    assert rows["ticks in"] == rows["results out"] == "5,000"
    assert rows["workers killed with -9"] == "1"
    for wrong in ("missing", "repeated", "unexpected", "out of order"):
        assert rows[wrong] == "0"
    assert "exactly once, in order" in run.stdout
    assert "kill -9 worker-" in run.stdout
    _check_traces(receiver.spans)


def _check_traces(spans: list[Any]) -> None:
    """What a worker had not sent when it was killed is lost; the rest tells the run."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(_attributes(span))
    stages = ("consume", "decode", "step", "encode", "await_commit", "produce")
    assert by_name.keys() >= {"batch", "transaction", "snapshot", "recovery"}
    assert by_name.keys() >= {f"batch {stage}" for stage in stages}
    assert by_name.keys() >= {"recovery plan", "recovery replay", "snapshot store"}
    _check_batches(by_name["batch"])
    # Four partitions begin empty; after the kill some begin again, from a snapshot or not.
    assert len(by_name["recovery"]) > 4
    assert {one["partition"] for one in by_name["recovery"]} == set(range(4))


def _check_batches(batches: list[dict[str, Any]]) -> None:
    """A batch whose transaction the kill aborted is told again by whoever took its place."""
    taken: set[tuple[int, int]] = set()
    for one in batches:
        ends = zip(one["partitions"], one["from_offsets"], one["to_offsets"], strict=True)
        offsets = {(of, at) for of, first, last in ends for at in range(first, last + 1)}
        assert one["results"] <= len(offsets)
        taken |= offsets
    assert 1_000 < len(taken) <= 5_000


def _attributes(span: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind)
        if kind == "array_value":
            value = [item.int_value for item in value.values]
        found[one.key.removeprefix("tickfleet.")] = value
    return found
