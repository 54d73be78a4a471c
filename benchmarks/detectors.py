"""What the detectors reach, against their goals: `python -m benchmarks.detectors`.

Prints goal, measured and pass for held-out seeds (and for the tuning seeds with `--tuning`: the
constants were chosen on those). `--trades FILE` adds the emergency share on a tick file (CSV, the
price in its second column). Takes a few minutes on one core.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from benchmarks.goals import at_least, at_most, heading, holds, note, report
from core import PredictorConfig, cusum, holder, increments, kurtosis
from tests.core.holder.paths import bounced_noise, fractional_noise
from tests.core.scanning import as_input, scan

Series = NDArray[np.float64]
Estimator = Literal["fused", "bank", "wtmm"]
Sampler = Callable[[int, int], Series]

TUNING_SEED, HELD_OUT_SEED = 1, 2001
EXPONENTS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
LANES = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="use the tuning seeds")
    parser.add_argument("--trades", type=Path, help="CSV of trades, price in the second column")
    options = parser.parse_args()
    seed = TUNING_SEED if options.tuning else HELD_OUT_SEED
    heading(f"seeds: {'tuning' if options.tuning else 'held out'} ({seed})")
    holder_table(np.random.default_rng(seed))
    cusum_table(np.random.default_rng(seed + 1))
    if options.trades:
        trades_table(options.trades)


def roughness(series: Series, estimator: Estimator = "fused") -> holder.HolderOutput:
    config = PredictorConfig(holder_estimator=estimator)
    _, rows = scan(
        holder.fields(config),
        lambda state, r: holder.update(config, state, r),
        as_input(series),
        lanes=series.shape[1],
    )
    assert isinstance(rows, holder.HolderOutput)
    return rows


def holder_table(rng: np.random.Generator) -> None:
    for ticks, goal, lanes in ((128, 0.062, 2048), (512, 0.029, 512)):
        accuracy(rng, ticks, goal, lanes)
    calm = roughness(rng.standard_normal((5000, 2 * LANES)))
    at_most("Brownian path: emergency share of ticks", calm.emergency.mean(), 1e-4)
    rises = calm.emergency[1:] & ~calm.emergency[:-1]
    at_most("Brownian path: flags raised per tick", rises.mean(), 1e-4)
    fall = np.concatenate(
        [rng.standard_normal((2000, LANES)), fractional_noise(0.25, 1500, LANES, rng)]
    )
    flagged = roughness(fall).emergency[2000:]
    delay = np.where(flagged.any(axis=0), flagged.argmax(axis=0) + 1.0, np.inf)
    at_most("H 0.5 -> 0.25: median ticks to the flag", float(np.median(delay)), 300)
    at_most("H 0.5 -> 0.25: 95th percentile", float(np.quantile(delay, 0.95, method="higher")), 300)
    note("H 0.5 -> 0.25: share flagged within 300", float(np.mean(delay <= 300)))
    jumps_table(rng)
    for ratio in (0.5, 1.0, 2.0):
        bounced = roughness(bounced_noise(ratio, 6000, 128, rng))
        note(f"bounce, noise {ratio} of a step: emergency share", bounced.emergency.mean())
        note(f"bounce, noise {ratio} of a step: final H", bounced.holder_exponent[-1].mean())


def accuracy(rng: np.random.Generator, ticks: int, goal: float, lanes: int) -> None:
    """Every estimator on the same exact paths; goals are the fused one's."""
    paths = [fractional_noise(h, ticks, lanes, rng) for h in EXPONENTS]
    for estimator in get_args(Estimator):
        got = roughness(np.concatenate(paths, axis=1), estimator)
        exponent = got.holder_exponent[-1].reshape(len(EXPONENTS), lanes)
        errors = exponent - np.array(EXPONENTS)[:, None]
        rmse = np.sqrt(np.mean(errors**2, axis=1)).mean()
        bias = np.abs(errors.mean(axis=1)).max()
        what = f"H of fBm, {ticks} ticks, {estimator}"
        if estimator == "fused":
            at_most(f"{what}: mean RMSE over H 0.2 .. 0.8", rmse, goal)
            at_most(f"{what}: largest |bias|", bias, 0.01)
        else:
            note(f"{what}: mean RMSE over H 0.2 .. 0.8", rmse)
            note(f"{what}: largest |bias|", bias)
        spread = errors / got.standard_error[-1].reshape(errors.shape)
        note(f"{what}: error / standard error, rms", np.sqrt(np.mean(spread**2)))


def jumps_table(rng: np.random.Generator) -> None:
    """A jump is flagged if the emergency rises within 45 ticks of it."""
    for size in (8.0, 12.0, 16.0):
        series = rng.standard_normal((800, 2 * LANES))
        series[700] += size * rng.choice([-1.0, 1.0], 2 * LANES)
        raised = roughness(series).emergency
        raised = raised[700:745, ~raised[699]]
        flagged = raised.any(axis=0)
        what = f"jump of {size:g} sigma: flagged within 45 ticks"
        if size == 12.0:
            at_least(what, flagged.mean(), 0.95)
            note(f"jump of {size:g} sigma: median ticks to the flag", np.median(raised.argmax(0)))
        else:
            note(what, flagged.mean())
    heavy = roughness(rng.standard_t(4, (5000, LANES)) / np.sqrt(2))
    note("Student t(4) increments: emergency share", heavy.emergency.mean())
    louder = rng.standard_normal((1600, LANES))
    louder[800:] *= 3.0
    note(
        "volatility x3: flagged within 200 ticks",
        roughness(louder).emergency[800:1000].any(0).mean(),
    )


def alarms(errors: Series, h: float) -> NDArray[np.bool_]:
    config = PredictorConfig(cusum_h=h)

    def update(state, error):  # type: ignore[no-untyped-def]
        scored = error == error
        new, tails = kurtosis.update(config, state, error, scored)
        own, drift = cusum.update(config, state, error, tails.kurtosis, scored)
        return new | own, drift.alarm

    fields = cusum.fields(config) + kurtosis.fields(config)
    _, rows = scan(fields, update, as_input(errors), lanes=errors.shape[1])
    return np.asarray(rows)


def run_length(errors: Series, h: float) -> float:
    """Ticks per false alarm after a warm-up of 500."""
    raised = alarms(errors, h)[500:]
    return raised.size / max(int(raised.sum()), 1)


def threshold_for(errors: Series, target: float) -> float:
    low, high = 3.0, 12.0
    for _ in range(9):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if run_length(errors, middle) < target else (low, middle)
    return 0.5 * (low + high)


def cusum_table(rng: np.random.Generator) -> None:
    laws: dict[str, tuple[Sampler, float, float]] = {
        "normal": (lambda t, n: rng.standard_normal((t, n)), 18, 20),
        "Student t(4)": (lambda t, n: rng.standard_t(4, (t, n)) / np.sqrt(2), 16, 33),
    }
    for law, (sample, mean_goal, volatility_goal) in laws.items():
        report(f"{law}: ARL0 at defaults", run_length(sample(6000, 256), 5.0), 400, 3000)
        h = threshold_for(sample(6000, 256), 5000)
        note(f"{law}: cusum_h for ARL0 = 5000", h)
        after = {"+1 sigma": 1.0, "volatility x2": 2.0, "volatility x3": 3.0}
        for change, size in after.items():
            errors = sample(1500, LANES)
            errors[1000:] = errors[1000:] + 1 if change == "+1 sigma" else errors[1000:] * size
            raised = alarms(errors, h)
            raised = raised[1000:, ~raised[900:1000].any(axis=0)]
            delay = np.where(raised.any(axis=0), raised.argmax(axis=0) + 1.0, 500.0).mean()
            if change == "volatility x3":
                at_most(f"{law}: {change}: alarms in 500 ticks", raised.sum(axis=0).mean(), 1.3)
            else:
                goal = mean_goal if change == "+1 sigma" else volatility_goal
                at_most(f"{law}: {change}: mean delay", delay, goal)


def grace_table() -> None:
    """Exact: grace under a permanent raw alarm, and the same alarms in any unit."""
    heading("CUSUM, exact")
    steps, raised = jnp.full((1, 1), 2.0**20), []
    for tick in range(1, 61):
        steps, silent = cusum.grace(steps, period=20)
        if not bool(silent[0, 0]):
            raised.append(tick)
            steps = jnp.zeros((1, 1))
    holds("permanently true raw alarm, grace 20: alarms at", raised, [1, 21, 41])
    errors = np.random.default_rng(HELD_OUT_SEED).standard_t(4, (4000, 64))
    errors[2000:] *= 3.0
    base = alarms(errors, 5.0)
    units = [10.0**power for power in (-6, -3, 3, 6)]
    differing = sum(int((alarms(errors * unit, 5.0) != base).sum()) for unit in units)
    note("alarms in 64 x 4000 ticks", base.sum())
    at_most("alarms that differ in units 1e-6, 1e-3, 1e3, 1e6", differing, 0)


def trades_table(path: Path) -> None:
    config = PredictorConfig()
    prices = np.loadtxt(path, delimiter=",", skiprows=1, usecols=1)

    def update(state, price):  # type: ignore[no-untyped-def]
        new, tick = increments.update(config, state, price)
        own, regularity = holder.update(config, state, tick.increment)
        return new | own, regularity

    fields = increments.fields(config) + holder.fields(config)
    _, got = scan(fields, update, as_input(prices[:, None]), lanes=1)
    at_most("trades: emergency share of ticks", got.emergency.mean(), 0.01)
    note("trades: median H", np.median(got.holder_exponent))
    note("trades: median base lag", np.median(got.base_lag))


if __name__ == "__main__":
    main()
