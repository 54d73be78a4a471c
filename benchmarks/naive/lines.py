"""Wavelet maxima lines, recomputed at every tick from the last 72 increments."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from core.config import PredictorConfig

__all__ = ["Lines", "fused", "read_lines", "unread"]

SCALES = 0.7 * 2.0 ** (np.arange(13) / 4.0)
AGES, PAST = 48, 72
LOUD = 6.0


class Lines(NamedTuple):
    """Increments, newest first; the nearest loud line read so far; the usual size of a move."""

    past: Array
    exponent: Array
    error: Array
    age: Array
    move: Array


@functools.cache
def kernels() -> list[NDArray[np.float64]]:
    """First derivatives of a Gaussian at the increments' places, largest weight 1."""
    found = []
    for a in SCALES:
        radius = round(4.0 * a)
        at = (np.arange(2 * radius) - radius + 0.5) / a
        weights = at * np.exp(-(at**2) / 2.0)
        found.append(weights / weights.max())
    return found


def reach(config: PredictorConfig) -> list[int]:
    return [int(config.besov_cone_c * step + 1.0) for step in np.diff(SCALES)]


def delays(config: PredictorConfig) -> list[int]:
    """Age of the column that each scale reads: a line has to climb to it, scale by scale."""
    found = [kernels()[0].size // 2 + 1]
    for width in reach(config):
        found.append(found[-1] + width + 1)
    return found


def noise(j: int) -> float:
    """Deviation of an exponent between scales 0 and j on a unit step in unit white noise."""
    fine, coarse = kernels()[0], kernels()[j]
    shift = int(coarse.argmax() - fine.argmax())
    both = sum(fine[i] * coarse[i + shift] for i in range(fine.size))
    variance = fine @ fine + coarse @ coarse - 2.0 * both
    return float(np.sqrt(variance) / np.log(SCALES[j] / SCALES[0]))


def unread(config: PredictorConfig) -> Lines:
    """Of an asset that has not seen a tick."""
    return Lines(
        past=jnp.zeros(PAST),
        exponent=jnp.full((), 0.5),
        error=jnp.ones(()),
        age=jnp.full((), float(config.wtmm_buffer_size)),
        move=jnp.full((), 4.0),
    )


@functools.cache
def _weights() -> NDArray[np.float64]:
    """Of every increment in the column of each scale and age; 0 for columns too young to be
    computed, [13, 48, 72]."""
    table = np.zeros((SCALES.size, AGES, PAST))
    for rows, kernel in zip(table, kernels(), strict=True):
        for age in range(kernel.size // 2, AGES):
            newest = age - kernel.size // 2
            rows[age, newest : newest + kernel.size] = kernel[::-1]
    return table


def _maxima(column: Array) -> Array:
    newer, older = jnp.roll(column, 1), jnp.roll(column, -1)
    sign = jnp.sign(column)
    return (sign * column > sign * older) & (sign * column >= sign * newer)


def _starts(columns: Array, config: PredictorConfig) -> Array:
    """Amplitude at the finest end of the line through each column, 0 where there is none."""
    widest = max(reach(config))
    # Nearest first, the newer of two as near; a roll wraps around at ages nobody reads.
    offsets = sorted(range(-widest, widest + 1), key=lambda o: (abs(o), o))

    def climb(below: Array, scale: tuple[Array, Array]) -> tuple[Array, Array]:
        column, width = scale
        line = jnp.zeros(AGES)
        for offset in offsets:
            candidate = jnp.roll(below, -offset)
            found = (abs(offset) <= width) & (line == 0.0) & (candidate * column > 0.0)
            line = jnp.where(found, candidate, line)
        line = jnp.where(_maxima(column), line, 0.0)
        return line, line

    finest = columns[0]
    start = jnp.where(_maxima(finest) & (jnp.abs(finest) >= LOUD), finest, 0.0)
    _, coarser = jax.lax.scan(climb, start, (columns[1:], jnp.asarray(reach(config))))
    return jnp.concatenate([start[None], coarser])


def read_lines(
    config: PredictorConfig, before: Lines, increment: Array, sparse: Array
) -> tuple[Lines, Array]:
    """The nearest loud line after this tick, and whether any shows a singularity."""
    past = jnp.append(jnp.clip(increment, -20.0, 20.0), before.past[:-1])
    size = jnp.minimum(jnp.abs(past[0]), 4.0)
    gain = jnp.where(size > 0.0, 1.0 - 0.5 ** (1.0 / 32.0), 0.0)
    move = before.move + gain * (size - before.move)
    unit = jnp.maximum(np.sqrt(np.pi / 2.0) * move, 1.0)
    columns = jnp.asarray(_weights()) @ past
    starts = _starts(columns, config)
    now = before._replace(past=past, move=move, age=before.age + jnp.where(sparse, 0.0, 1.0))
    singular = jnp.zeros((), bool)
    for j in range(12, 5, -1):
        delay = delays(config)[j]
        end, start = jnp.abs(columns[j][delay]), jnp.abs(starts[j][delay])
        loud = ~sparse & (jnp.minimum(end, start) >= LOUD * unit)
        slope = jnp.log(end / start) / np.log(SCALES[j] / SCALES[0])
        error = noise(j) * unit / jnp.minimum(end, start)
        singular |= loud & (slope + 1.5 * error < config.holder_threshold)
        now = now._replace(
            exponent=jnp.where(loud, jnp.clip(slope, 0.0, 1.0), now.exponent),
            error=jnp.where(loud, error, now.error),
            age=jnp.where(loud, float(delay), now.age),
        )
    return now._replace(age=jnp.minimum(now.age, config.wtmm_buffer_size)), singular


def fused(
    config: PredictorConfig, lines: Lines, exponent: Array, error: Array
) -> tuple[Array, Array]:
    """The bank's exponent and the line's, weighted by inverse variance (DerSimonian-Laird)."""
    share = 1.0 - lines.age / config.wtmm_buffer_size
    gap = lines.exponent - exponent
    between = share * jnp.maximum((gap**2 - error**2 - lines.error**2) / 2.0, 0.0)
    mine, its = 1.0 / (error**2 + between), share / (lines.error**2 + between)
    return (exponent * mine + lines.exponent * its) / (mine + its), (mine + its) ** -0.5
