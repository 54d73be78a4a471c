"""Which prices are accepted, increments in scale units, the window of levels, and the guards."""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from core.config import PredictorConfig

__all__ = ["Front", "Guards", "Seen", "Window", "guard", "look", "measure"]


class Front(NamedTuple):
    price: Array
    anchor: Array
    ticks: Array
    rms: Array
    counted: Array
    moves: Array
    smallest: Array
    rejected: Array
    rejections: Array
    agreeing: Array


class Seen(NamedTuple):
    accepted: Array
    first: Array
    reanchored: Array
    rescaled: Array
    previous_price: Array
    previous_scale: Array
    scale: Array
    error_scale: Array
    has_unit: Array
    increment: Array
    level: Array
    moved: Array


def look(front: Front, price: Array, spread: Array) -> tuple[Front, Front, Seen]:
    """The front end after an accepted and after a refused tick, and what was seen.

    `spread` is the window's before the tick, infinite where the price stands still too long.
    """
    first = front.ticks == 0
    before = _floored(front.rms, front.smallest, front.price)
    settled = front.moves >= 32
    finite = jnp.abs(price) <= 1e30
    outlier = settled & (jnp.abs(price - front.price) > 20.0 * before)
    near = (front.agreeing > 0) & (jnp.abs(price - front.rejected) <= 20.0 * before)
    agreeing = jnp.where(finite, jnp.where(near, front.agreeing + 1, 1), 0)
    rejections = front.rejections + finite
    given_up = rejections >= 16
    reanchored = finite & outlier & ~first & (given_up | (agreeing >= 3))
    accepted = finite & (first | ~outlier | reanchored)

    change = jnp.where(first | reanchored, 0.0, price - front.price)
    size = jnp.abs(change)
    bounded = jnp.where(settled, jnp.minimum(size, 5.0 * before), size)
    misled = settled & (front.ticks < 1024) & (front.rms > 64.0 * spread)
    past = _if(misled, (0.0, 0, 0, 0.0), (front.rms, front.counted, front.moves, front.smallest))
    past_rms, past_counted, past_moves, past_smallest = past
    bounded = jnp.where(misled, size, bounded)
    counted = jnp.minimum(past_counted + ~first, 1024)
    gain = jnp.maximum(1.0 / jnp.maximum(counted, 1), 1.0 - 0.5 ** (1.0 / 500.0))
    rms = jnp.where(
        first, past_rms, jnp.sqrt((1.0 - gain) * past_rms**2 + gain * jnp.square(bounded))
    )
    smallest = jnp.where(past_smallest == 0.0, jnp.inf, past_smallest)
    smallest = jnp.where(size > 0.0, jnp.minimum(size, smallest), past_smallest)
    moves = jnp.minimum(past_moves + (size > 0.0), 32)
    forget = reanchored & given_up
    rms, smallest = jnp.where(forget, 0.0, rms), jnp.where(forget, 0.0, smallest)
    anchor = jnp.where(first, price, front.anchor + jnp.where(reanchored, price - front.price, 0.0))
    scale = _floored(rms, smallest, price)
    seen = Seen(
        accepted=accepted,
        first=first,
        reanchored=reanchored,
        rescaled=misled,
        previous_price=front.price,
        previous_scale=before,
        scale=scale,
        error_scale=jnp.where(settled, before, jnp.maximum(before, scale)),
        has_unit=front.moves > 0,
        increment=change / scale,
        level=price - anchor,
        moved=change != 0.0,
    )
    taken = Front(
        price=price,
        anchor=anchor,
        ticks=front.ticks + 1,
        rms=rms,
        counted=jnp.where(forget, 0, counted),
        moves=jnp.where(forget, 0, moves),
        smallest=smallest,
        rejected=price,
        rejections=jnp.zeros_like(rejections),
        agreeing=jnp.zeros_like(agreeing),
    )
    refused = front._replace(
        rejected=jnp.where(finite, price, 0.0), rejections=rejections, agreeing=agreeing
    )
    return taken, refused, seen


def _if(condition: Array, given: tuple[float, ...], otherwise: tuple[Array, ...]) -> list[Array]:
    return [jnp.where(condition, a, b) for a, b in zip(given, otherwise, strict=True)]


def _floored(rms: Array, smallest: Array, price: Array) -> Array:
    return jnp.max(
        jnp.stack([rms, smallest / 4.0, 1e-12 * jnp.abs(price), jnp.full_like(rms, 1e-30)])
    )


class Window(NamedTuple):
    """The levels, newest last, and how many there are."""

    levels: Array
    filled: Array


def measure(window: Window, level: Array) -> tuple[Window, Array, Array]:
    """The window with the newest level, its mean and its standard deviation."""
    size = len(window.levels)
    levels = jnp.append(window.levels[1:], level)
    filled = jnp.minimum(window.filled + 1, size)
    here = jnp.arange(size) >= size - filled
    # From the newest level on, so that equal levels have no variance at all.
    off = jnp.where(here, levels - level, 0.0)
    mean = jnp.sum(off) / filled
    variance = jnp.sum(jnp.where(here, (off - mean) ** 2, 0.0)) / filled
    return Window(levels, filled), level + mean, jnp.sqrt(variance)


class Guards(NamedTuple):
    degraded: Array
    run: Array
    runs: Array
    mean_run: Array
    longest_run: Array
    punctual: Array


def guard(
    config: PredictorConfig, past: Guards, *, age_ratio: Array, dt_s: Array, moved: Array
) -> tuple[Guards, Array, Array]:
    """The guards after a tick; whether arrivals are infrequent, and the price is frozen."""
    recovered = age_ratio < config.inference_recovery_hysteresis
    degraded = jnp.where(past.degraded, ~recovered, age_ratio > 1.0)
    share = jnp.maximum(past.mean_run / (1.0 + past.mean_run), 0.05)
    likely = jnp.maximum(math.log(1e-12) / jnp.log(share), 1.5 * past.longest_run)
    runs = jnp.minimum(past.runs + 1, 64)
    late = dt_s > config.besov_nyquist_interval_ns * 1e-9
    now = Guards(
        degraded=degraded,
        run=jnp.where(moved, 0.0, past.run + 1.0),
        runs=jnp.where(moved, runs, past.runs),
        mean_run=past.mean_run + jnp.where(moved, (past.run - past.mean_run) / runs, 0.0),
        longest_run=jnp.where(
            moved, jnp.maximum(past.run, 0.5 ** (1 / 500) * past.longest_run), past.longest_run
        ),
        punctual=jnp.where(late, 0, jnp.minimum(past.punctual + 1, 64)),
    )
    return now, now.punctual < 64, now.run > likely
