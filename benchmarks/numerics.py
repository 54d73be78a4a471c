"""Every numerical goal of the predictor: goal, measured, reached.

    python -m benchmarks.numerics [--trades FILE] [--eurusd FILE] [--ticks 100000] [--parts ...]

Tuning seeds are those the constants were chosen on; held-out seeds were run afterwards. What each
part prints is also written to `benchmarks/results/numerics/PART.txt`, which is kept: everything is
deterministic, so a part can be run again alone. Real ticks are read from packages' data files,
never copied: `tick_data.csv` of mlfinpy (found if installed), `tests/EURUSD_tick.csv` of
findatapy.
"""

import argparse
import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import detectors, skill
from benchmarks.determinism import (
    determinism_table,
    look_ahead_table,
    neighbours_table,
    shedding_table,
)
from benchmarks.goals import at_most, heading, note
from benchmarks.numerics_galerkin import galerkin_table
from benchmarks.orchestration import jump_table, orchestrator_table
from benchmarks.signature import exactness_table
from core import PredictorConfig
from ops.demo.sources import trades_file

_RESULTS = Path(__file__).parent / "results" / "numerics"
SEEDS = (("tuning", True), ("held-out", False))
_REAL_GOALS = {"E-mini trades": 0.913, "E-mini price changes": 0.572, "EURUSD ticks": 0.967}


class _Tee(io.StringIO):
    """Standard output, remembered."""

    def write(self, text: str) -> int:
        sys.__stdout__.write(text) if sys.__stdout__ else None
        return super().write(text)


def skill_table(seed: int, ticks: int = 5000) -> None:
    """Synthetic series: against persistence, and against the best kernel in hindsight."""
    heading(f"forecast skill, synthetic, seed {seed}: squared error over persistence's")
    skills = skill.synthetic(seed, ticks, PredictorConfig())
    for name, measured in skills.items():
        at_most(name, measured.mixture, 1.003)
        at_most(f"{name}: over the best kernel", measured.against_best, 1.005)
        if measured.emergency > 0.01:
            note(f"{name}: share of ticks in emergency", measured.emergency)
            note(f"{name}: over the best kernel, otherwise", measured.calm_against_best)
        note(f"{name}: Diebold-Mariano", measured.diebold_mariano)
    mean = np.exp(np.mean([np.log(measured.mixture) for measured in skills.values()]))
    at_most("geometric mean", mean, 0.806)


def real_table(trades: Path | None, eurusd: Path | None) -> None:
    """Real ticks; nothing was tuned on the second halves."""
    for name, ticks in skill.real_series(trades, eurusd).items():
        for half, measured in skill.real(ticks, PredictorConfig()).items():
            heading(f"forecast skill, {name}, {half}")
            at_most(name, measured.mixture, _REAL_GOALS[name])
            note(f"{name}: over the best kernel", measured.against_best)
            note(f"{name}: share of ticks in emergency", measured.emergency)
            note(f"{name}: Diebold-Mariano", measured.diebold_mariano)


def detectors_part(options: argparse.Namespace) -> None:
    """Hölder exponent, CUSUM, and grace."""
    for name, tuning in SEEDS:
        seed = detectors.TUNING_SEED if tuning else detectors.HELD_OUT_SEED
        heading(f"Hölder exponent, {name} seed {seed}")
        detectors.holder_table(np.random.default_rng(seed))
        heading(f"CUSUM, {name} seed {seed + 1}")
        detectors.cusum_table(np.random.default_rng(seed + 1))
    detectors.grace_table()
    if options.trades:
        heading("Hölder exponent, E-mini trades")
        detectors.trades_table(options.trades)


def orchestrator_part(options: argparse.Namespace) -> None:
    """Orchestrator, and kernel C's jump filter."""
    for name, tuning in SEEDS:
        print(f"\n== {name} ==")
        orchestrator_table(_skill_seed(tuning=tuning))
        jump_table(_skill_seed(tuning=tuning), options.trades)


def skill_part(options: argparse.Namespace) -> None:
    """Forecast skill, synthetic and real."""
    for name, tuning in SEEDS:
        print(f"\n== {name} ==")
        skill_table(_skill_seed(tuning=tuning))
    real_table(options.trades, options.eurusd)


def galerkin_part(options: argparse.Namespace) -> None:
    """Kernel B."""
    del options
    for _, tuning in SEEDS:
        galerkin_table(tuning=tuning)


def exact_part(options: argparse.Namespace) -> None:
    """What has no seeds: signatures against other libraries, bytes, shedding."""
    shedding_table()
    exactness_table(1_000_000)
    look_ahead_table(skill.HELD_OUT_SEED)
    neighbours_table(skill.HELD_OUT_SEED)
    determinism_table(options.ticks, skill.HELD_OUT_SEED)


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "detectors": detectors_part,
    "orchestrator": orchestrator_part,
    "skill": skill_part,
    "galerkin": galerkin_part,
    "exact": exact_part,
}


def _skill_seed(*, tuning: bool) -> int:
    return skill.TUNING_SEED if tuning else skill.HELD_OUT_SEED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=Path, default=trades_file())
    parser.add_argument("--eurusd", type=Path)
    parser.add_argument("--ticks", type=int, default=100_000, help="of the determinism check")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    _RESULTS.mkdir(parents=True, exist_ok=True)
    missed = []
    for part in options.parts:
        tee = _Tee()
        with contextlib.redirect_stdout(tee):
            PARTS[part](options)
        (_RESULTS / f"{part}.txt").write_text(tee.getvalue().lstrip("\n"), encoding="utf-8")
        missed += [line for line in tee.getvalue().splitlines() if "  NO" in line]
    print("\n".join(["\nmissed:", *missed] if missed else ["\nevery goal is reached"]))


if __name__ == "__main__":
    main()
