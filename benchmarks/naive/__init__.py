"""The predictor as one would first write it: one asset, scalars and short vectors, then `vmap`.

Written from the formulas of the documentation. It shares the configuration and the names of flags
with `core`, and nothing else: no packed rows, no tiles, no fixed order of sums, no incremental
moments. It serves twice: as the oracle of the whole step (`tests/core/test_naive.py`) and as the
baseline that the step's cost is measured against.
"""

from benchmarks.naive.run import broadcast, run
from benchmarks.naive.state import Result, State, Tick, fresh
from benchmarks.naive.step import step

__all__ = ["Result", "State", "Tick", "broadcast", "fresh", "run", "step"]
