"""Arrow arrays over numpy's memory are what pyarrow makes of the same; pandas stays away."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.workers.replay.tables import random_table, write_ticks
from workers.replay.arrays import bits, numbers, texts, values

_RUN = """
import sys
from pathlib import Path
from ops.compile_cache import keep_executables
from tests.workers.replay.tables import plan
from workers.replay import run_backtest
keep_executables()
counts = run_backtest(plan(Path(sys.argv[1]), Path(sys.argv[2])))["counts"]
assert counts["flags"] > 0
assert "pandas" not in sys.modules
"""


@pytest.mark.parametrize("count", [0, 1, 9, 1_000])
def test_they_are_what_pyarrow_makes(count: int) -> None:
    rng = np.random.default_rng(count)
    strided = rng.normal(size=(count, 3))[:, 1]
    assert numbers(strided).equals(pa.array(np.ascontiguousarray(strided)))
    np.testing.assert_array_equal(values(numbers(strided)), strided)
    halves = pa.chunked_array([strided[: count // 2], strided[count // 2 :]])
    np.testing.assert_array_equal(values(halves), strided)
    small = rng.integers(-9, 9, count).astype(np.int8)
    assert numbers(small).equals(pa.array(small))
    raised = rng.random(count) < 0.5
    assert bits(raised).equals(pa.array(raised))
    names = ["", "é", "ES", "x" * 300]
    found = [names[i] for i in rng.integers(0, 4, count)]
    assert texts([name.encode() for name in found]).equals(pa.array(found, pa.string()))
    texts([name.encode() for name in found]).validate(full=True)


def test_a_run_does_not_import_pandas(tmp_path: Path) -> None:
    # 9 assets over so many ticks raise some flag or other.
    ticks = write_ticks(tmp_path / "ticks.parquet", random_table(5_000, 9, seed=1))
    subprocess.run([sys.executable, "-c", _RUN, ticks, tmp_path / "run"], check=True)
