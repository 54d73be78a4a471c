"""Many assets over whole series: the obvious `vmap` of the step, scanned over time."""

import functools

import jax
import jax.numpy as jnp

from benchmarks.naive.state import Result, State, Tick, fresh
from benchmarks.naive.step import step, untrained
from core.config import PredictorConfig

__all__ = ["broadcast", "run"]


def broadcast(config: PredictorConfig, assets: int) -> State:
    """The state of so many assets that have not seen a tick."""
    states: State = jax.tree.map(lambda x: jnp.broadcast_to(x, (assets, *x.shape)), fresh(config))
    return states


@functools.cache
def _scanned(config: PredictorConfig, training: bool):  # type: ignore[no-untyped-def]
    one = jax.vmap(functools.partial(step if training else untrained, config))
    return jax.jit(lambda state, ticks: jax.lax.scan(one, state, ticks))


def run(config: PredictorConfig, ticks: Tick, *, training: bool = True) -> Result:
    """Results of every tick: arrays [ticks, assets], weights and forecasts [ticks, assets, 4].

    Without `training` kernel B's networks stay as they are made.
    """
    _, results = _scanned(config, training)(broadcast(config, ticks.price.shape[1]), ticks)
    assert isinstance(results, Result)
    return results
