"""Every numerical goal of the predictor: goal, measured, reached.

    python -m benchmarks.numerics [--trades FILE] [--eurusd FILE] [--ticks 100000]

Tuning seeds are those the constants were chosen on; held-out seeds were run afterwards. The output
is also written to `benchmarks/results/numerics.txt`, which is kept. Real ticks are read from
packages' data files, never copied: `tick_data.csv` of mlfinpy (found if installed),
`tests/EURUSD_tick.csv` of findatapy.
"""

import argparse
import contextlib
import io
import sys
from pathlib import Path

import numpy as np

from benchmarks import detectors, skill
from benchmarks.determinism import determinism_table, shedding_table
from benchmarks.goals import at_most, heading, note
from benchmarks.orchestration import jump_table, orchestrator_table
from benchmarks.signature import exactness_table
from core import PredictorConfig
from ops.demo.sources import trades_file

PARTS = ("detectors", "orchestrator", "jumps", "skill", "exact")
_RESULTS = Path(__file__).parent / "results" / "numerics.txt"
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


def run(options: argparse.Namespace) -> None:
    """The parts asked for, in the order of `PARTS`."""
    print(f"parts: {', '.join(options.parts)}")
    for seeds, tuning in (("tuning", True), ("held-out", False)):
        print(f"\n== {seeds} seeds ==")
        skill_seed = skill.TUNING_SEED if tuning else skill.HELD_OUT_SEED
        if "detectors" in options.parts:
            detector_tables(detectors.TUNING_SEED if tuning else detectors.HELD_OUT_SEED)
        if "orchestrator" in options.parts:
            orchestrator_table(skill_seed)
        if "jumps" in options.parts:
            jump_table(skill_seed, options.trades)
        if "skill" in options.parts:
            skill_table(skill_seed)
    print("\n== real ticks ==")
    if "detectors" in options.parts and options.trades:
        heading("Hölder exponent, E-mini trades")
        detectors.trades_table(options.trades)
    if "skill" in options.parts:
        real_table(options.trades, options.eurusd)
    if "exact" in options.parts:
        print("\n== exact ==")
        detectors.grace_table()
        shedding_table()
        exactness_table(1_000_000)
        determinism_table(options.ticks, skill.HELD_OUT_SEED)


def detector_tables(seed: int) -> None:
    """Hölder exponent and CUSUM."""
    heading(f"Hölder exponent, seed {seed}")
    detectors.holder_table(np.random.default_rng(seed))
    heading(f"CUSUM, seed {seed + 1}")
    detectors.cusum_table(np.random.default_rng(seed + 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trades", type=Path, default=trades_file())
    parser.add_argument("--eurusd", type=Path)
    parser.add_argument("--ticks", type=int, default=100_000, help="of the determinism check")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    tee = _Tee()
    with contextlib.redirect_stdout(tee):
        run(options)
    _RESULTS.parent.mkdir(exist_ok=True)
    _RESULTS.write_text(tee.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    main()
