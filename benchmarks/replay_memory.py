"""Memory of `tickfleet backtest` against the length of the history, by one process and by two.

`python -m benchmarks.replay_memory [--ticks 1200000] [--times 4]`: the command as a person types
it, report included, over a history and over one `--times` as long of the same 1000 assets. Peaks
are the kernel's own (VmHWM) of the command's process and of each that it starts.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
from pyarrow import parquet

from benchmarks.goals import at_most, heading, note
from tests.workers.replay.tables import random_table

ASSETS = 1_000
_BETWEEN_LOOKS_S = 0.05
_MIB = 1 << 20


def peaks(file: Path, out: Path, processes: int) -> tuple[float, float]:
    """MiB at the peak: of the command itself, and of the largest process it started (0: none)."""
    arguments = ["backtest", "--file", file, "--out", out, "--processes", str(processes)]
    command = subprocess.Popen(
        [sys.executable, "-m", "ops.cli", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    parent, largest = psutil.Process(command.pid), dict[int, float]()
    while command.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for one in (parent, *parent.children(recursive=True)):
                largest[one.pid] = max(_peak(one.pid), largest.get(one.pid, 0.0))
        time.sleep(_BETWEEN_LOOKS_S)
    if command.returncode:
        raise SystemExit(f"the backtest ended with exit code {command.returncode}")
    own = largest.pop(parent.pid)
    return own, max(largest.values(), default=0.0)


def _peak(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / _MIB
    return 0.0


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=1_200_000)
    parser.add_argument("--times", type=int, default=4, help="how much longer the other one is")
    options = parser.parse_args()
    heading(f"{options.ticks:,} ticks of {ASSETS} assets against {options.times} times as many")
    with tempfile.TemporaryDirectory(prefix="tickfleet-bench-") as name:
        folder = Path(name)
        files = [folder / "short.parquet", folder / "long.parquet"]
        for file, times in zip(files, (1, options.times), strict=True):
            parquet.write_table(random_table(options.ticks * times, ASSETS, seed=6), file)
        for processes in (1, 2):
            found = [peaks(f, folder / f"{f.stem}-{processes}", processes) for f in files]
            for who, (short, long) in zip(
                ("the command", "a process of it"), zip(*found, strict=True), strict=True
            ):
                if short:
                    at_most(f"--processes {processes}, {who}: MiB more", long - short, 40.0)
                    note("  short history, MiB", short)
                    note("  long history, MiB", long)


if __name__ == "__main__":
    main()
