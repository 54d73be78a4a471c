"""Kernel D for one asset: `kernel_d="fading"`, every depth's readout on its own."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from core.config import PredictorConfig

__all__ = ["Signatures", "depths", "fresh", "signature"]

HALF_LIVES = (2, 8, 32)


class Readout(NamedTuple):
    """The regression of one depth, and the fast part with its record."""

    covariance: Array
    coefficients: Array
    quick: Array
    slow: Array
    fast: Array
    squares: Array
    products: Array
    residuals: Array
    weight: Array


class Signatures(NamedTuple):
    """Levels 0, 1, ... by half-life, each an array with as many axes of size 2 as its number."""

    paths: tuple[tuple[Array, ...], ...]
    features: Array
    readouts: tuple[Readout, ...]


def depths(config: PredictorConfig) -> tuple[int, ...]:
    return tuple(depth for depth in (2, 3, 5) if depth <= config.log_sig_depth)


def fresh(config: PredictorConfig) -> Signatures:
    """A path that has not moved.

    Raises:
        ValueError: the configuration asks for a variant that is not written here.
    """
    if config.kernel_d != "fading":
        raise ValueError("written for kernel_d='fading'")
    path = tuple(jnp.full((2,) * k, float(k == 0)) for k in range(depths(config)[-1] + 1))
    zero, ten = jnp.zeros(()), jnp.full((), 10.0)
    readouts = tuple(
        Readout(jnp.eye(n) / 5.0, jnp.zeros(n), jnp.zeros(2), zero, zero, zero, zero, ten, ten)
        for n in (_size(depth) for depth in depths(config))
    )
    return Signatures((path,) * len(HALF_LIVES), jnp.zeros(_size(depths(config)[-1])), readouts)


def signature(
    config: PredictorConfig, past: Signatures, increment: Array, *, depth: Array, frozen: Array
) -> tuple[Signatures, Array]:
    """Extend the paths, learn at every depth, forecast at the one allowed."""
    r = jnp.clip(increment, -12.0, 12.0)
    paths = tuple(
        _extended(path, r, 0.5 ** (1.0 / h)) for path, h in zip(past.paths, HALF_LIVES, strict=True)
    )
    features = _features(paths, r, depths(config)[-1])
    readouts, chosen = [], jnp.zeros(())
    for at, (allowed, readout) in enumerate(zip(depths(config), past.readouts, strict=True)):
        size = _size(allowed)
        learned, forecast = _learn(readout, past.features[:size], r, features[:size])
        readouts.append(learned)
        chosen = jnp.where((depth >= allowed) | (at == 0), forecast, chosen)
    now = Signatures(paths, features, tuple(readouts))
    stopped = Signatures(
        past.paths,
        jnp.zeros_like(features),
        tuple(x._replace(slow=jnp.zeros(()), fast=jnp.zeros(())) for x in past.readouts),
    )
    kept = jax.tree.map(lambda a, b: jnp.where(frozen, a, b), stopped, now)
    return kept, jnp.where(frozen, 0.0, jnp.clip(chosen, -4.0, 4.0))


def _extended(path: tuple[Array, ...], r: Array, decay: float) -> tuple[Array, ...]:
    """The path shrunk by `decay`, then a straight segment: sums over all cuts of a word."""
    segment = jnp.stack([jnp.full((), 1.0 - decay), math.sqrt(1.0 - decay**2) * r])
    line = [jnp.ones(())]
    for k in range(1, len(path)):
        line.append(jnp.multiply.outer(line[-1], segment) / k)
    levels = []
    for k in range(len(path)):
        cuts = [decay**j * jnp.multiply.outer(path[j], line[k - j]) for j in range(k + 1)]
        levels.append(jnp.sum(jnp.stack(cuts), axis=0))
    return tuple(levels)


def _features(paths: tuple[tuple[Array, ...], ...], r: Array, deepest: int) -> Array:
    fast = paths[0]
    area = (fast[2][0, 1] - fast[2][1, 0]) / 2.0
    found = [r, *(path[1][1] for path in paths), math.sqrt(2.0) * area]
    if deepest >= 3:
        found.append(math.sqrt(6.0) * fast[3][1, 1, 1])
    if deepest >= 5:
        found += [math.sqrt(120.0) * fast[5][w] for w in ((0, 0, 1, 1, 1), (0, 1, 1, 0, 1))]
    return jnp.clip(jnp.stack(found), -8.0, 8.0)


def _size(depth: int) -> int:
    return {2: 5, 3: 6, 5: 8}[depth]


def _learn(past: Readout, x: Array, r: Array, features: Array) -> tuple[Readout, Array]:
    P = past.covariance
    gain = P @ x / (0.9995 + x @ P @ x)
    coefficients = past.coefficients + gain * (r - past.coefficients @ x)
    P = (P - jnp.outer(gain, P @ x)) / 0.9995
    P = 0.5 * (P + P.T)
    P = P * jnp.minimum(1.0, len(x) / 5.0 / jnp.maximum(jnp.trace(P), 1e-30))
    slow = jnp.clip(coefficients @ features, -4.0, 4.0)

    left, forget = r - past.slow, 0.5 ** (1 / 500)
    quick = (1.0 - 1e-4) * past.quick
    quick = quick + 0.1 * (left - past.fast) * x[:2] / (1.0 + x[:2] @ x[:2])
    fast = jnp.clip(quick @ features[:2], -4.0, 4.0)
    squares = forget * past.squares + past.fast**2
    products = forget * past.products + past.fast * left
    residuals = forget * past.residuals + left**2
    weight = forget * past.weight + 1.0
    slope = products / (squares + 1e-12)
    variance = jnp.maximum(residuals - slope * products, 0.0) / weight
    share = jnp.clip(slope - jnp.sqrt(variance / (squares + 1e-12)), 0.0, 1.0)
    now = Readout(P, coefficients, quick, slow, fast, squares, products, residuals, weight)
    return now, slow + share * fast
