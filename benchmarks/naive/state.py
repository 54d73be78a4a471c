"""What the naive step takes, keeps and returns, for one asset."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from benchmarks.naive import galerkin, signature
from benchmarks.naive.front import Front, Guards, Window
from benchmarks.naive.galerkin import Galerkin
from benchmarks.naive.kernels import Gate, Hilbert, Jumps
from benchmarks.naive.lines import unread
from benchmarks.naive.mixture import Mixture
from benchmarks.naive.residuals import Errors, Volatility
from benchmarks.naive.roughness import LAGS, Bank, Coarse, Roughness
from benchmarks.naive.signature import Signatures
from core.config import PredictorConfig
from core.flags import Flag

__all__ = ["Result", "State", "Tick", "fresh"]


class Tick(NamedTuple):
    """Of one asset; the decision allows the kernels in `runs`, A to D, and D to go to `depth`."""

    price: Array
    target: Array
    dt_s: Array
    age_ratio: Array
    runs: Array
    depth: Array


class Result(NamedTuple):
    """As the rows of `core.packed.Output` of the same names; four weights and forecasts each."""

    predicted_next: Array
    predicted_price: Array
    location: Array
    scale: Array
    holder_exponent: Array
    cusum_drift: Array
    distance_to_collapse: Array
    free_energy: Array
    kurtosis: Array
    dgm_entropy: Array
    adaptive_threshold: Array
    weights: Array
    forecasts: Array
    flags: Array
    mode: Array
    kernel_mask: Array
    raised: Array
    cleared: Array
    instant: Array


class State(NamedTuple):
    front: Front
    window: Window
    guards: Guards
    errors: Errors
    volatility: Volatility
    roughness: Roughness
    hilbert: Hilbert
    galerkin: Galerkin
    jumps: Jumps
    signatures: Signatures
    gate: Gate
    mixture: Mixture
    result: Result
    received: Array


def fresh(config: PredictorConfig) -> State:
    """An asset that has not seen a tick.

    Raises:
        ValueError: the configuration asks for a variant that is not written here.
    """
    variants = (config.holder_base_scale, config.kernel_a, config.cusum_threshold)
    if config.holder_estimator == "wtmm" or variants != ("auto", "rls", "calibrated"):
        raise ValueError(
            "written for holder_estimator='fused' or 'bank', holder_base_scale='auto', "
            "kernel_a='rls' and cusum_threshold='calibrated'"
        )
    zero, count, off = jnp.zeros(()), jnp.zeros((), int), jnp.zeros((), bool)
    half = jnp.full((), 0.5)
    coarse = Coarse(
        pending=zero,
        bank=Bank(jnp.zeros(16), jnp.zeros(19), zero),
        exponent=half,
        error=half / 2.0,
        matched=jnp.full(4, 0.5),
    )
    nothing = Result(*[zero] * len(Result._fields))
    return State(
        front=Front(zero, zero, count, zero, count, count, zero, zero, count, count),
        window=Window(jnp.zeros(config.wtmm_buffer_size), count),
        guards=Guards(off, zero, count + 1, zero + 1.0, zero, count + 64),
        errors=Errors(
            zero, zero, count, jnp.zeros(252), count, count, jnp.zeros(3), count + 2**30
        ),
        volatility=Volatility(zero, zero, count),
        roughness=Roughness(
            count, jnp.zeros(32), jnp.zeros(19), jnp.zeros(19), zero, zero,
            (coarse,) * len(LAGS), zero, count, off, count,
            None if config.holder_estimator == "bank" else unread(config),
        ),
        hilbert=Hilbert(
            jnp.zeros((7, 7)), jnp.zeros(7), jnp.zeros(7), jnp.zeros(2), jnp.zeros(2)
        ),
        galerkin=galerkin.fresh(),
        jumps=_jumps(count, zero),
        signatures=signature.fresh(config),
        gate=Gate(jnp.zeros(4), jnp.zeros(4), jnp.zeros(4), zero + 10.0, zero + 10.0),
        mixture=Mixture(jnp.full(4, 0.25), jnp.zeros(4), zero),
        result=nothing._replace(
            predicted_price=zero + jnp.nan,
            location=zero + jnp.nan,
            holder_exponent=half,
            kurtosis=zero + 3.0,
            dgm_entropy=zero + jnp.nan,
            weights=jnp.full(4, 0.25),
            forecasts=jnp.full(4, jnp.nan),
            flags=count + int(Flag.WARMING_UP),
            mode=count,
            kernel_mask=count,
            raised=count,
            cleared=count,
            instant=count,
        ),
        received=count,
    )  # fmt: skip


def _jumps(count: Array, zero: Array) -> Jumps:
    return Jumps(
        ticks=count,
        variance=zero,
        plain=zero,
        move_share=zero,
        rate=zero,
        total=zero,
        weight=zero,
        mean_level=zero,
        mean_increment=zero,
        squares=zero,
        products=zero,
        level=zero,
        predicted=zero,
        drift=jnp.zeros(4),
        bumps=jnp.zeros(4),
    )
