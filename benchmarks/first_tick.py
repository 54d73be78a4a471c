"""Seconds to the first tick of a fresh process: `python -m benchmarks.first_tick [DTYPE]`.

`benchmarks.step` runs this with an empty cache of executables, and again with the one it left.
"""

import json
import sys
import time

BEGUN_S = time.perf_counter()

from core import (  # noqa: E402  (importing is what is timed first)
    FunctionalPredictor,
    MarketObservation,
    PredictorConfig,
    compile_step,
    compile_trainer,
)
from ops.compile_cache import keep_executables  # noqa: E402


def main() -> None:
    """Print the seconds of importing, of the two compilations, and from there to a result."""
    dtype = sys.argv[1] if len(sys.argv) > 1 else "float64"
    keep_executables()
    imported_s = time.perf_counter()
    compile_step(PredictorConfig(), dtype)
    compile_trainer(PredictorConfig(), dtype)
    compiled_s = time.perf_counter()
    predictor = FunctionalPredictor(PredictorConfig(), dtype=dtype)
    observation = MarketObservation(100.0, 100.0, 1_700_000_000_000_000_000)
    predictor.step(predictor.init_state(), observation)
    spans = {
        "import": imported_s - BEGUN_S,
        "compile": compiled_s - imported_s,
        "first tick": time.perf_counter() - compiled_s,
    }
    print(json.dumps(spans))


if __name__ == "__main__":
    main()
