"""One training step of the networks of some assets: a compiled call of its own.

An asset's network is rows beside the tile that the step copies at every tick: parameters, Adam's
moments and counters, and the surface. The invariant: what becomes of a network depends on its own
rows and its asset's block-B rows alone, not on how networks were gathered.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from core.barrier import settle
from core.kernels.galerkin.adam import Adam, descend
from core.kernels.galerkin.drift import Drift, read_drift
from core.kernels.galerkin.entropy import ENTROPY_GRID, TERMINAL_ENTROPY, spacing_entropy
from core.kernels.galerkin.equation import COLLOCATION_X, Equation, backward_kolmogorov, loss
from core.kernels.galerkin.network import PARAMETERS, initial_parameters, value_at_start
from core.kernels.galerkin.surface import SURFACE_ROWS, Surface, fit, fresh_surface
from core.layout import State

__all__ = ["NETWORK_ROWS", "SURFACE", "fresh_network", "improve", "train"]

NETWORK_ROWS = 3 * PARAMETERS + 1 + SURFACE_ROWS
SURFACE = slice(NETWORK_ROWS - SURFACE_ROWS, NETWORK_ROWS)
"""Rows of a network that the step reads."""
_LARGEST_CONTRACTION = 4.0


def fresh_network(dtype: str) -> Float[np.ndarray, " network"]:
    """A network of an asset that has not seen a tick."""
    parameters = initial_parameters(np.zeros((1, 1), dtype))[:, 0]
    rest = np.zeros(2 * PARAMETERS + 1, dtype=dtype)
    return np.concatenate([parameters, rest, fresh_surface(dtype)])


def train(state: State, network: Float[Array, "network lanes"]) -> Float[Array, "network lanes"]:
    """One Adam step towards the solution of each lane's equation, then the surface anew.

    Args:
        state: the step's fields of block B, as the asset's last tick left them.
        network: `NETWORK_ROWS` rows.
    """
    drift = settle(read_drift(state))
    generation = state["galerkin.generation"]
    adam = settle(_renewed(network, generation))
    equation = backward_kolmogorov(
        settle(drift.at(jnp.asarray(COLLOCATION_X, network.dtype))), drift.variance
    )
    adam = improve(adam, equation)
    return jnp.concatenate([*adam, *_surface(adam.parameters, drift, generation)])


def improve(adam: Adam, equation: Equation) -> Adam:
    """One step down the gradient of the equation's residual."""
    residual, pull = jax.vjp(lambda parameters: loss(parameters, equation), adam.parameters)
    (gradient,) = pull(jnp.ones_like(residual))
    return settle(descend(adam, settle(gradient)))


def _renewed(network: Float[Array, "network lanes"], generation: Float[Array, "1 lanes"]) -> Adam:
    """The stored optimiser, or a fresh one where another generation is asked for."""
    n = PARAMETERS
    stored = Adam(
        network[:n], network[n : 2 * n], network[2 * n : 3 * n], network[3 * n : 3 * n + 1]
    )
    same = Surface.of(network[SURFACE]).generation == generation
    fresh = Adam(initial_parameters(generation), *(jnp.zeros_like(part) for part in stored[1:]))
    return Adam(*(jnp.where(same, old, new) for old, new in zip(stored, fresh, strict=True)))


def _surface(
    parameters: Float[Array, "parameters lanes"], drift: Drift, generation: Float[Array, "1 lanes"]
) -> Surface:
    """Series, entropy, and entropy power against the terminal entropy less the contraction.

    Over one tick the equation itself narrows the levels by e^-theta: that is no collapse.
    """
    x = jnp.asarray(ENTROPY_GRID, parameters.dtype)
    change = settle(value_at_start(parameters, x))
    entropy = settle(spacing_entropy(x + change))
    stretch = jnp.clip(drift.mean_slope(), -_LARGEST_CONTRACTION, _LARGEST_CONTRACTION)
    power = jnp.exp(entropy - (TERMINAL_ENTROPY + stretch))
    return Surface(fit(change), entropy, power, generation)
