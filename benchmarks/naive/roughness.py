"""The Hölder exponent by the bank of fGn predictors on five lags, the maxima line nearest to now
fused with it, and the emergency rule."""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from benchmarks.naive.lines import Lines, fused, read_lines
from core.config import PredictorConfig

__all__ = ["Bank", "Coarse", "Roughness", "read"]

GRID = np.arange(1, 20) * 0.05
LAGS = (4, 16, 64, 256)


@functools.cache
def predictors(order: int) -> NDArray[np.float64]:
    """Best linear one-step predictors of fGn, solved as dense Yule-Walker systems."""
    rows = []
    for hurst in GRID:
        k = np.arange(order + 1.0)
        gamma = 0.5 * ((k + 1) ** (2 * hurst) - 2 * k ** (2 * hurst) + abs(k - 1) ** (2 * hurst))
        lag = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
        rows.append(np.linalg.solve(gamma[lag], gamma[1:]))
    return np.array(rows)


class Bank(NamedTuple):
    """One lag: past increments (newest first), discounted squared errors, number of errors."""

    past: Array
    losses: Array
    weight: Array


class Coarse(NamedTuple):
    pending: Array
    bank: Bank
    exponent: Array
    error: Array
    matched: Array


class Roughness(NamedTuple):
    ticks: Array
    past: Array
    long_losses: Array
    short_losses: Array
    long_weight: Array
    short_weight: Array
    coarse: tuple[Coarse, ...]
    zero_share: Array
    level: Array
    emergency: Array
    held: Array
    lines: Lines | None


def _peak(losses: Array, weight: Array, forgetting: float) -> tuple[Array, Array]:
    """Vertex of the parabola through the best filter and its neighbours; its standard error."""
    tiny, eps = float(np.finfo(losses.dtype).tiny), float(np.finfo(losses.dtype).eps)
    best = 1 + jnp.argmin(losses[1:-1])
    around = jnp.log(losses + tiny)
    left, right = around[best - 1] - around[best], around[best + 1] - around[best]
    bend = jnp.maximum(left + right, eps)
    vertex = jnp.asarray(GRID)[best] + 0.05 * jnp.clip(0.5 * (left - right) / bend, -1.0, 1.0)
    trust = weight**2 / (weight**2 + 16.0)
    overlap = (2.0 - (1.0 - forgetting) * weight) / (1.0 + forgetting)
    precision = 0.5 * weight * bend / (0.05**2 * overlap * 1.05**2) + 12.0 / 0.9**2
    return 0.5 + trust * (vertex - 0.5), 1.0 / jnp.sqrt(precision)


def read(
    config: PredictorConfig, past: Roughness, increment: Array, sparse: Array
) -> tuple[Roughness, Array, Array, Array]:
    """State, exponent, emergency, and the bank's forecast of the next increment."""
    table = jnp.asarray(predictors(32))
    newest = jnp.clip(increment, -6.0, 6.0)
    f, g = 0.5 ** (1 / 512), 0.5 ** (1 / 64)
    square = (newest - table @ past.past) ** 2
    long_losses, short_losses = f * past.long_losses + square, g * past.short_losses + square
    long_weight, short_weight = f * past.long_weight + 1.0, g * past.short_weight + 1.0
    window = jnp.append(newest, past.past[:-1])
    slow, slow_error = _peak(long_losses, long_weight, f)
    quick, quick_error = _peak(short_losses, short_weight, g)
    conflict = (quick - slow) ** 2 / jnp.maximum(quick_error**2 - slow_error**2, 0.02**2)
    share = jnp.clip((conflict - 6.0) / 8.0, 0.0, 1.0)
    fine = slow + share * (quick - slow), slow_error + share * (quick_error - slow_error)

    spread = jnp.maximum(fine[1], 0.0125)
    posterior = jnp.exp(-0.5 * ((jnp.asarray(GRID) - fine[0]) / spread) ** 2)
    forecast = (posterior * (table @ window)).sum() / posterior.sum()

    ticks = (past.ticks + 1) % LAGS[-1]
    coarse = _coarser(past.coarse, ticks=ticks, newest=newest, slow=slow)
    zero_share = past.zero_share + ((newest == 0.0) - past.zero_share) / long_weight
    minimum_lag = (
        8.0 * zero_share / jnp.maximum(1.0 - zero_share, float(np.finfo(newest.dtype).eps))
    )
    level, doubtful = _base(fine, coarse, minimum_lag=minimum_lag, previous=past.level)
    exponents = jnp.stack([fine[0], *(c.exponent for c in coarse)])
    errors = jnp.stack([fine[1], *(c.error for c in coarse)])
    exponent, error = exponents[level], errors[level]
    lines, singular = past.lines, jnp.zeros((), bool)
    if past.lines is not None:
        lines, singular = read_lines(config, past.lines, increment, sparse)
        exponent, error = fused(config, lines, exponent, error)
    upper = exponent + 2.0 * error

    settled = long_weight >= (1.0 - f**512) / (1.0 - f)
    enters = settled & ~doubtful & (upper < config.holder_threshold)
    leaves = (past.held >= 16) & (upper > config.holder_threshold + 0.05)
    singular = singular & settled
    emergency = jnp.where(past.emergency, ~leaves, enters) | singular
    held = jnp.where(past.emergency & ~singular, past.held + 1, 1)
    now = Roughness(
        ticks=ticks,
        past=window,
        long_losses=long_losses,
        short_losses=short_losses,
        long_weight=long_weight,
        short_weight=short_weight,
        coarse=coarse,
        zero_share=zero_share,
        level=level,
        emergency=emergency,
        held=jnp.where(emergency, held, 0),
        lines=lines,
    )
    return now, exponent, emergency, forecast


def _coarser(
    past: tuple[Coarse, ...], *, ticks: Array, newest: Array, slow: Array
) -> tuple[Coarse, ...]:
    """Every lag's block grows; lag number j closes its own at ticks congruent to j."""
    table, f = jnp.asarray(predictors(16)), 0.5 ** (1 / 128)
    now: list[Coarse] = []
    for j, (level, lag) in enumerate(zip(past, LAGS, strict=True)):
        due = ticks % lag == j
        block = level.pending + newest
        losses = f * level.bank.losses + (block - table @ level.bank.past) ** 2
        weight = f * level.bank.weight + 1.0
        exponent, error = _peak(losses, weight, f)
        # Exponents of the finer lags; those of lags not finer are never read.
        finer = jnp.stack([slow, *(c.exponent for c in now), *[slow] * (len(LAGS) - 1 - j)])
        closed = Coarse(
            pending=jnp.zeros_like(block),
            bank=Bank(jnp.append(block, level.bank.past[:-1]), losses, weight),
            exponent=exponent,
            error=error,
            matched=level.matched + (finer - level.matched) / weight,
        )
        grown = level._replace(pending=block)
        now.append(
            Coarse(
                pending=jnp.where(due, closed.pending, grown.pending),
                bank=Bank(
                    *(jnp.where(due, a, b) for a, b in zip(closed.bank, grown.bank, strict=True))
                ),
                exponent=jnp.where(due, closed.exponent, grown.exponent),
                error=jnp.where(due, closed.error, grown.error),
                matched=jnp.where(due, closed.matched, grown.matched),
            )
        )
    return tuple(now)


def _base(
    fine: tuple[Array, Array], coarse: tuple[Coarse, ...], *, minimum_lag: Array, previous: Array
) -> tuple[Array, Array]:
    """The finest lag that no coarser one refutes, and whether even that is in doubt."""
    lags = (1, *LAGS)
    chosen, doubtful = jnp.asarray(len(LAGS)), coarse[-1].bank.weight < 24.0
    for i in range(len(LAGS) - 1, -1, -1):
        score = total = jnp.zeros_like(fine[0])
        for j in range(i, len(LAGS)):
            level = coarse[j]
            variance = level.error**2 * (1.0 + lags[i] / LAGS[j])
            believed = level.bank.weight >= 24.0
            score += jnp.where(believed, (level.exponent - level.matched[i]) / variance, 0.0)
            total += jnp.where(believed, 1.0 / variance, 0.0)
        rise = score / jnp.sqrt(jnp.maximum(total, 1.0))
        rough = (coarse[i - 1].exponent if i else fine[0]) < 0.5
        refuted = (minimum_lag > lags[i]) | (rough & (rise > jnp.where(previous > i, 2.0, 3.5)))
        unsure = rise > 1.5
        if i > 0:
            unsure = unsure | (coarse[i - 1].bank.weight < 24.0)
        chosen = jnp.where(refuted, chosen, i)
        doubtful = jnp.where(refuted, doubtful, unsure)
    return chosen, doubtful
