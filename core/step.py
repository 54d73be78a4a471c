"""One tick of every active lane: the packed state and inputs in, the same out."""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.config import PredictorConfig
from core.flags import AVAILABLE_KERNELS, Flag
from core.layout import Field, StateLayout, build_layout
from core.packed import OUTPUT_ROWS, TILE_WIDTH, Input, Output

__all__ = ["packed_step", "state_layout"]


def state_layout(config: PredictorConfig) -> StateLayout:
    """Placement of the state's fields under a configuration."""
    del config
    return build_layout(
        (
            Field("price", "global", 1, 0.0),
            Field("ticks", "global", 1, 0.0),
        )
    )


def packed_step(
    config: PredictorConfig, packed: Float[Array, "rows 64"], inputs: Float[Array, "inputs 64"]
) -> tuple[Float[Array, "rows 64"], Float[Array, "outputs 64"]]:
    """Persistence: the next price is this price."""
    layout = state_layout(config)
    state = layout.view(packed)
    price = inputs[Input.PRICE][None]
    new = {
        "price": price.astype(packed.dtype),
        "ticks": jnp.minimum(state["ticks"] + 1.0, 2.0),
    }
    active = inputs[Input.ACTIVE] > 0.0
    zero = jnp.zeros((1, TILE_WIDTH))
    rows: Mapping[Output, Float[Array, "1 64"]] = {
        Output.PREDICTED_PRICE: price,
        Output.LOCATION: price,
        Output.SCALE: zero + 1.0,
        Output.HOLDER_EXPONENT: zero + 0.5,
        Output.DISTANCE_TO_COLLAPSE: zero + config.cusum_h,
        Output.KURTOSIS: zero + 3.0,
        Output.DGM_ENTROPY: zero + jnp.nan,
        Output.ADAPTIVE_THRESHOLD: zero + config.cusum_h,
        Output.WEIGHT_A: zero + 0.5,
        Output.WEIGHT_C: zero + 0.5,
        Output.FORECAST_B: zero + jnp.nan,
        Output.FORECAST_D: zero + jnp.nan,
        Output.FLAGS: zero + float(Flag.WARMING_UP | Flag.SINKHORN_CONVERGED),
        Output.SIGNATURE_DEPTH: inputs[Input.DEPTH][None],
        Output.KERNEL_MASK: zero + float(AVAILABLE_KERNELS),
    }
    outputs = jnp.concatenate([rows.get(Output(row), zero) for row in range(OUTPUT_ROWS)])
    return jnp.where(active, layout.pack(new), packed), outputs
