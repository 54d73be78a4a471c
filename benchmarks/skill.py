"""Forecast skill: one-step squared error relative to persistence, per series.

The step alone is run, without the training calls of kernel B: its networks stay as they are made,
and forecast persistence.

python -m benchmarks.skill [--tuning] [--ticks 5000] [--trades FILE] [--eurusd FILE]
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from numpy.typing import NDArray

from benchmarks.series import SYNTHETIC, Series, read_prices
from core import (
    NETWORK_SURFACE,
    TILE_WIDTH,
    Flag,
    Input,
    Output,
    PredictorConfig,
    asset_layout,
    compile_step,
    compile_trainer,
    init_surfaces,
    init_tile,
)
from ops.demo.sources import trades_file

__all__ = ["Skill", "diebold_mariano", "forecast", "measure", "real", "real_series"]

TUNING_SEED, HELD_OUT_SEED = 11, 4011
LANES = 16
BURN_IN = 500
KERNELS = "ABCD"


@dataclass(frozen=True)
class Skill:
    """Squared errors over persistence's, and how sure that is.

    Attributes:
        mixture: of the reported forecast.
        kernels: of each kernel's forecast alone, after the gate; those that run.
        emergency: share of judged ticks in EmergencyMode, where kernel D has all the weight.
        calm_mixture, calm_kernels: as `mixture` and `kernels`, outside of it.
        diebold_mariano: of the mixture's squared errors less persistence's: negative is better,
            below -1.64 significantly so at 5%.
    """

    mixture: float
    kernels: dict[str, float]
    emergency: float
    calm_mixture: float
    calm_kernels: dict[str, float]
    diebold_mariano: float

    @property
    def against_best(self) -> float:
        """Over the best single kernel's, or persistence's where that is better."""
        return self.mixture / min(1.0, *self.kernels.values())

    @property
    def calm_against_best(self) -> float:
        """The same outside of EmergencyMode."""
        return self.calm_mixture / min(1.0, *self.calm_kernels.values())


def diebold_mariano(difference: Series, *, lags: int = 10) -> float:
    """Mean loss difference over its standard error (Diebold & Mariano 1995).

    Args:
        difference: loss of one forecast less that of another, [ticks] or [ticks, lanes]; lanes
            are independent.
        lags: of the Newey-West (1987) long-run variance, Bartlett weights.
    """
    columns = difference.reshape(len(difference), -1)
    centred = columns - columns.mean()
    variance = np.sum(centred**2)
    for lag in range(1, lags + 1):
        weight = 1.0 - lag / (lags + 1.0)
        variance += 2.0 * weight * np.sum(centred[lag:] * centred[:-lag])
    if variance <= 0.0:
        return 0.0  # equal forecasts
    return float(columns.mean() * columns.size / np.sqrt(variance))


def forecast(prices: Series, config: PredictorConfig) -> NDArray[np.float64]:
    """Outputs of every tick, [ticks, outputs, lanes], over any number of lanes."""
    step, trainer, layout = compile_step(config), compile_trainer(config), asset_layout(config)
    lanes = prices.shape[1]
    whole = np.empty((len(prices), len(Output), lanes))
    inputs = np.zeros((len(Input), TILE_WIDTH))
    inputs[[Input.ACTIVE, *range(Input.MASK_A, Input.MASK_D + 1)]] = 1.0
    inputs[Input.DT_S] = 0.01
    inputs[Input.DEPTH] = config.log_sig_depth
    for start in range(0, lanes, TILE_WIDTH):
        part = prices[:, start : start + TILE_WIDTH]
        width = part.shape[1]
        tile = jax.device_put(init_tile(config))
        fresh = layout.fresh("float64")[np.newaxis]
        networks = np.repeat(layout.split(fresh)[1], width, axis=0)
        surfaces = init_surfaces()
        for t, row in enumerate(part):
            inputs[Input.PRICE] = inputs[Input.TARGET] = np.resize(row, TILE_WIDTH)
            tile, outputs = step(tile, inputs, surfaces)
            whole[t, :, start : start + width] = np.asarray(outputs)[:, :width]
            if (t + 1) % config.dgm_every == 0:
                networks = trainer(np.asarray(tile)[trainer.block, :width].T, networks)
                # A new array: the step may still be reading the old one.
                surfaces = surfaces.copy()
                surfaces[:, :width] = networks[:, NETWORK_SURFACE].T
    return whole


def measure(prices: Series, outputs: NDArray[np.float64]) -> Skill:
    """Judge the forecasts of accepted ticks after the burn-in by the next accepted price."""
    accepted = (outputs[:, Output.FLAGS].astype(int) & int(Flag.DOMAIN_ERROR)) == 0
    judged = accepted[1:] & accepted[:-1]
    judged[:BURN_IN] = False
    calm = judged & ((outputs[:-1, Output.FLAGS].astype(int) & int(Flag.EMERGENCY_MODE)) == 0)
    moves = np.diff(prices, axis=0)
    baseline = np.where(judged, moves, 0.0) ** 2

    def squared(ahead: Series) -> Series:
        loss: Series = np.where(judged, moves - np.nan_to_num(ahead[:-1]), 0.0) ** 2
        return loss

    def ratio(loss: Series, where: NDArray[np.bool_]) -> float:
        return float(loss[where].sum() / baseline[where].sum())

    losses = {
        name: squared(outputs[:, Output.FORECAST_A + number])
        for number, name in enumerate(KERNELS)
        if np.isfinite(outputs[-1, Output.FORECAST_A + number]).any()
    }
    mixture = squared(outputs[:, Output.PREDICTED_PRICE] - prices)
    return Skill(
        mixture=ratio(mixture, judged),
        kernels={name: ratio(loss, judged) for name, loss in losses.items()},
        emergency=1.0 - float(calm.sum() / judged.sum()),
        calm_mixture=ratio(mixture, calm),
        calm_kernels={name: ratio(loss, calm) for name, loss in losses.items()},
        diebold_mariano=diebold_mariano((mixture - baseline)[BURN_IN:]),
    )


def synthetic(seed: int, ticks: int, config: PredictorConfig) -> dict[str, Skill]:
    """Every synthetic series, forecast side by side."""
    rng = np.random.default_rng(seed)
    paths = {name: 1000.0 + sample(ticks, LANES, rng) for name, sample in SYNTHETIC.items()}
    outputs = forecast(np.concatenate(list(paths.values()), axis=1), config)
    return {
        name: measure(path, outputs[:, :, LANES * i : LANES * (i + 1)])
        for i, (name, path) in enumerate(paths.items())
    }


def real(prices: Series, config: PredictorConfig) -> dict[str, Skill]:
    """The two halves of a series of real ticks, each from a fresh state; the first was tuned on."""
    ticks = len(prices) // 2
    halves = prices[: 2 * ticks].reshape(2, ticks).T
    outputs = forecast(halves, config)
    names = ("first half, tuning", "second half, held out")
    return {
        name: measure(halves[:, i : i + 1], outputs[:, :, i : i + 1])
        for i, name in enumerate(names)
    }


def real_series(trades: Path | None, eurusd: Path | None) -> dict[str, Series]:
    """What the given files hold."""
    series: dict[str, Series] = {}
    if trades:
        prices = read_prices(trades, 500_000)
        moved = prices[np.flatnonzero(np.diff(prices, prepend=0.0))]
        series |= {"E-mini trades": prices[:160_000], "E-mini price changes": moved}
    if eurusd:
        series["EURUSD ticks"] = read_prices(eurusd, 100_000)
    return series


def show(name: str, skill: Skill) -> None:
    numbers = (
        skill.mixture,
        skill.against_best,
        skill.emergency,
        skill.calm_against_best,
        skill.diebold_mariano,
    )
    kernels = " ".join(f"{k} {v:.4f}" for k, v in skill.kernels.items())
    print(f"{name:44s}", *(f"{number:8.4f}" for number in numbers), f"  {kernels}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tuning", action="store_true", help="use the tuning seed")
    parser.add_argument("--ticks", type=int, default=5000)
    parser.add_argument("--trades", type=Path, default=trades_file())
    parser.add_argument("--eurusd", type=Path, help="tests/EURUSD_tick.csv of findatapy")
    options = parser.parse_args()
    config = PredictorConfig()
    seed = TUNING_SEED if options.tuning else HELD_OUT_SEED
    print(f"{'tuning' if options.tuning else 'held-out'} seed {seed}, {options.ticks} ticks")
    titles = ("mixture", "vs best", "emerg.", "vs, calm", "DM")
    print(f"{'series':44s}", *(f"{title:>8s}" for title in titles), "  kernels alone")
    skills = synthetic(seed, options.ticks, config)
    for name, skill in skills.items():
        show(name, skill)
    print(f"geometric mean {np.exp(np.mean([np.log(s.mixture) for s in skills.values()])):.4f}")
    for name, prices in real_series(options.trades, options.eurusd).items():
        for half, skill in real(prices, config).items():
            show(f"{name}, {half}", skill)


if __name__ == "__main__":
    main()
