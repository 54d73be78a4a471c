"""Seconds to the first tick of a fresh process: `python -m benchmarks.first_tick [DTYPE]`.

`benchmarks.step` runs this with an empty cache of executables, and again with the one it left.
"""

import json
import sys
import time
from collections.abc import Callable

BEGUN_S = time.perf_counter()

from core import (  # noqa: E402  (importing is what is timed first)
    FunctionalPredictor,
    MarketObservation,
    PredictorConfig,
    compile_both,
    compile_run,
)
from ops.compile_cache import keep_executables  # noqa: E402


def _tick(config: PredictorConfig, dtype: str) -> None:
    predictor = FunctionalPredictor(config, dtype=dtype)
    observation = MarketObservation(100.0, 100.0, 1_700_000_000_000_000_000)
    predictor.step(predictor.init_state(), observation)


def main() -> None:
    """Print the seconds of importing, of each compilation, and of a tick thereafter."""
    dtype = sys.argv[1] if len(sys.argv) > 1 else "float64"
    keep_executables()
    config, spans = PredictorConfig(), {"import": time.perf_counter() - BEGUN_S}
    compilations: dict[str, Callable[[], object]] = {
        "lane": lambda: compile_both(config, dtype, width=1),
        "first tick": lambda: _tick(config, dtype),
        "tile": lambda: compile_both(config, dtype),
        "run": lambda: compile_run(config, dtype),
    }
    for name, act in compilations.items():
        begun_s = time.perf_counter()
        act()
        spans[name] = time.perf_counter() - begun_s
    print(json.dumps(spans))


if __name__ == "__main__":
    main()
