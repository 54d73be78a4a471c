"""`tickfleet demo` itself, small: a real broker, two workers, one killed."""

import subprocess
import sys

import pytest


@pytest.mark.kafka
def test_the_demonstration_ends_with_a_sound_audit() -> None:
    sizes = ["--ticks", "5000", "--rate", "500", "--assets", "12", "--partitions", "4"]
    run = subprocess.run(
        [sys.executable, "-m", "ops.cli", "demo", *sizes, "--kills", "1"],
        capture_output=True,
        text=True,
        timeout=200,
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
