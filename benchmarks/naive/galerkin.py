"""Kernel B for one asset: the drift, the network with derivatives by `jax.grad`, its training."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.polynomial import chebyshev

from benchmarks.naive.front import Seen
from core.config import PredictorConfig

__all__ = ["Galerkin", "fresh", "kolmogorov", "train"]

KNOTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
PLACES = 3.0 * ((2.0 * np.arange(128) + 1.0) / 128.0 - 1.0)
"""Midpoints of 128 cells of [-3, 3]: where the solution is read."""
TERMINAL_ENTROPY = float(np.log(6.0))
_TIMES = (np.arange(32) + 0.5) / 32.0
_CORPUT = [int(f"{k:06b}"[::-1], 2) / 64.0 for k in range(1, 33)]
_POINTS = -3.0 * np.cos(np.pi * np.array(_CORPUT))
"""The collocation points: a Hammersley set, pushed towards the ends in x."""


class Network(NamedTuple):
    time: Array
    space: Array
    bias: Array
    hidden: Array
    hidden_bias: Array
    out: Array
    out_bias: Array


class Trained(NamedTuple):
    """A network, Adam's moments and steps, and what a tick reads of it."""

    network: Network
    first: Network
    second: Network
    steps: Array
    series: Array
    entropy: Array
    power: Array
    generation: Array


class Galerkin(NamedTuple):
    """Sums of the drift's regression, the latch on collapse, and the network."""

    weight: Array
    x: Array
    y: Array
    xx: Array
    xy: Array
    knot_weights: Array
    knot_sums: Array
    variance: Array
    level: Array
    unit: Array
    low: Array
    sound: Array
    collapsed: Array
    generation: Array
    trained: Trained


def fresh() -> Galerkin:
    """Of an asset that has not seen a tick."""
    zero, count = jnp.zeros(()), jnp.zeros((), int)
    network = initial(count)
    nothing = jax.tree.map(jnp.zeros_like, network)
    return Galerkin(
        weight=zero,
        x=zero,
        y=zero,
        xx=zero,
        xy=zero,
        knot_weights=jnp.zeros(5),
        knot_sums=jnp.zeros(5),
        variance=zero,
        level=zero,
        unit=zero,
        low=count,
        sound=count,
        collapsed=jnp.zeros((), bool),
        generation=count,
        trained=Trained(
            network=network,
            first=nothing,
            second=nothing,
            steps=zero,
            series=jnp.zeros(20),
            entropy=zero + TERMINAL_ENTROPY,
            power=zero + 1.0,
            generation=count,
        ),
    )


def kolmogorov(
    config: PredictorConfig,
    past: Galerkin,
    seen: Seen,
    *,
    mean: Array,
    deviation: Array,
    latent_weight: Array,
) -> tuple[Galerkin, Array, Array, Array]:
    """The kernel after a tick, its forecast, whether it has collapsed, and whether just now."""
    counts = (past.unit > 0.0) & ~seen.first & ~seen.reanchored
    unit = jnp.where(past.unit > 0.0, past.unit, 1.0)
    move = jnp.clip(seen.increment, -8.0, 8.0) * seen.scale / unit
    learned = jax.tree.map(
        lambda new, old: jnp.where(counts, new, old),
        _learn(past, jnp.where(counts, move, 0.0)),
        past,
    )
    moving = deviation > 0.0
    spread = jnp.where(moving, deviation, 1.0)
    x = jnp.clip(jnp.where(moving, (seen.level - mean) / spread, 0.0), -3.0, 3.0)
    change = jnp.cos(jnp.arange(20) * jnp.arccos(x / 3.0)) @ past.trained.series
    forecast = jnp.clip(jnp.where(moving, change * deviation / seen.scale, 0.0), -4.0, 4.0)

    sound = past.trained.power >= config.dgm_entropy_gamma
    renewed = past.trained.generation == past.generation
    low = jnp.where(~sound & (latent_weight > 0.05), past.low + 1, 0)
    failed = (low > 10) & renewed
    recovering = jnp.where(past.collapsed & renewed & sound, past.sound + 1, 0)
    released = recovering >= 10
    collapsed = (past.collapsed & ~released) | failed
    now = learned._replace(
        level=x,
        unit=deviation,
        low=jnp.where(failed, 0, jnp.minimum(low, 20)),
        sound=jnp.where(released, 0, recovering),
        collapsed=collapsed,
        generation=past.generation + failed,
    )
    return now, forecast, collapsed, collapsed & ~past.collapsed


def _learn(past: Galerkin, y: Array) -> Galerkin:
    """A forgetting line through (level, next increment), and its corrections at the knots."""
    x, forget = past.level, 0.5 ** (1 / 500)
    intercept, slope = _line(past)
    share = _closeness(x)
    expected = intercept + slope * x
    left_over = y - expected - share @ (past.knot_sums / (past.knot_weights + 20.0))
    bound = jnp.where(
        (past.weight >= 16.0) & (past.variance > 0.0), 4.0 * jnp.sqrt(past.variance), jnp.inf
    )
    clipped = jnp.clip(left_over, -bound, bound)
    y = y + clipped - left_over
    weight = forget * past.weight + 1.0
    gain = jnp.maximum(1.0 / weight, 1.0 - forget)
    return past._replace(
        weight=weight,
        x=forget * past.x + x,
        y=forget * past.y + y,
        xx=forget * past.xx + x**2,
        xy=forget * past.xy + x * y,
        knot_weights=forget * past.knot_weights + share,
        knot_sums=forget * past.knot_sums + share * (y - expected),
        variance=past.variance + gain * (clipped**2 - past.variance),
    )


def _line(past: Galerkin) -> tuple[Array, Array]:
    weight = past.weight + 20.0
    mean_x, mean_y = past.x / weight, past.y / weight
    slope = (past.xy - past.x * mean_y) / (past.xx - past.x * mean_x + 20.0)
    slope = jnp.clip(slope, -0.95, 0.2)
    return mean_y - slope * mean_x, slope


def _closeness(x: Array) -> Array:
    weight = jnp.exp(-0.5 * (x - jnp.array(KNOTS)) ** 2)
    return weight / weight.sum()


def train(past: Galerkin) -> Galerkin:
    """One step of Adam on the equation's residual; a network given up begins anew first."""
    intercept, slope = _line(past)
    factor = jnp.where(
        jnp.abs(slope) < 1e-3,
        1.0 - 0.5 * slope,
        jnp.log1p(slope) / jnp.where(slope == 0.0, 1.0, slope),
    )
    corrections = past.knot_sums / (past.knot_weights + 20.0)
    variance = jnp.minimum(past.variance * factor / (1.0 + 0.5 * slope), 10.0)

    def drift(x: Array) -> Array:
        return factor * (intercept + slope * x + _closeness(x) @ corrections)

    old = past.trained
    renew = old.generation != past.generation
    nothing = jax.tree.map(jnp.zeros_like, old.network)
    begun = old._replace(
        network=initial(past.generation), first=nothing, second=nothing, steps=jnp.zeros(())
    )
    old = jax.tree.map(lambda a, b: jnp.where(renew, a, b), begun, old)
    points = jnp.array(_POINTS)
    new = _adam(old, jax.grad(_loss)(old.network, jax.vmap(drift)(points), variance))

    values = jax.vmap(lambda x: _solution(new.network, 0.0, x))(jnp.array(PLACES))
    entropy = _entropy(values)
    stretch = jnp.clip((drift(jnp.array(3.0)) - drift(jnp.array(-3.0))) / 6.0, -4.0, 4.0)
    fit = np.linalg.pinv(chebyshev.chebvander(PLACES / 3.0, 19))
    return past._replace(
        trained=new._replace(
            series=jnp.asarray(fit) @ (values - PLACES),
            entropy=entropy,
            power=jnp.exp(entropy - TERMINAL_ENTROPY - stretch),
            generation=past.generation,
        )
    )


def _network(w: Network, t: Array, x: Array) -> Array:
    first = jnp.tanh(w.time * t + w.space * x / 3.0 + w.bias)
    second = jnp.tanh(0.5 * w.hidden @ first + w.hidden_bias)
    total: Array = 0.25 * w.out @ second + w.out_bias
    return total


def _solution(w: Network, t: Array | float, x: Array) -> Array:
    return x + (1.0 - t) * _network(w, jnp.asarray(t), x)


def _loss(w: Network, drift: Array, variance: Array) -> Array:
    def residual(t: Array, x: Array, b: Array) -> Array:
        u_t: Array = jax.grad(_solution, 1)(w, t, x)
        u_x = jax.grad(_solution, 2)
        left: Array = u_t + b * u_x(w, t, x) + 0.5 * variance * jax.grad(u_x, 2)(w, t, x)
        return left

    return jnp.mean(jax.vmap(residual)(jnp.array(_TIMES), jnp.array(_POINTS), drift) ** 2)


def _adam(past: Trained, gradient: Network) -> Trained:
    gradient = jax.tree.map(lambda g: jnp.where(jnp.isfinite(g), g, 0.0), gradient)
    norm = jnp.sqrt(sum(jnp.sum(g**2) for g in gradient))
    gradient = jax.tree.map(
        lambda g: g * jnp.minimum(1.0, 10.0 / jnp.maximum(norm, 1e-30)), gradient
    )
    steps = past.steps + 1.0
    first = jax.tree.map(lambda m, g: 0.8 * m + 0.2 * g, past.first, gradient)
    second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g**2, past.second, gradient)
    network = jax.tree.map(
        lambda w, m, v: w
        - 1e-2 * (m / (1.0 - 0.8**steps)) / (jnp.sqrt(v / (1.0 - 0.99**steps)) + 1e-8),
        past.network, first, second,
    )  # fmt: skip
    return past._replace(network=network, first=first, second=second, steps=steps)


def _entropy(values: Array) -> Array:
    """Vasicek's estimate with spacings of three, cut off at the ends."""
    ordered, index = jnp.sort(values), np.arange(128)
    above, below = np.minimum(index + 3, 127), np.maximum(index - 3, 0)
    spacing = (ordered[above] - ordered[below]) * (128 / (above - below))
    return jnp.mean(jnp.log(jnp.maximum(spacing, 1e-30)))


def initial(generation: Array) -> Network:
    """Uniform parameters of a hash of (number of the parameter, generation); the output is zero."""
    widths = Network(0.8, 1.7, 1.0, 1.5, 0.0, 0.0, 0.0)  # type: ignore[arg-type]
    shapes = Network((16,), (16,), (16,), (16, 16), (16,), (16,), ())  # type: ignore[arg-type]
    parts, begin = [], 0
    for width, shape in zip(widths, shapes, strict=True):
        number = begin + jnp.arange(int(np.prod(shape)), dtype=jnp.uint32)
        begin += number.size
        parts.append(width * _uniform(number, generation).reshape(shape))
    return Network(*parts)


def _uniform(number: Array, generation: Array) -> Array:
    """Of [-1, 1): the finaliser of MurmurHash3, its upper 24 bits."""
    x = number * np.uint32(0x9E3779B1) + generation.astype(jnp.uint32) * np.uint32(0x85EBCA77)
    x = (x ^ (x >> 16)) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> 13)) * np.uint32(0xC2B2AE35)
    x = x ^ (x >> 16)
    return (x >> 8).astype(float) / 2.0**23 - 1.0
