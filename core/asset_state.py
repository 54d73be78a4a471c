"""What evolves of one asset, and what a tick puts beside it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Shaped
from numpy import ndarray

from core.config import PredictorConfig
from core.flags import Kernel
from core.observation import MarketObservation

__all__ = ["ALL_KERNELS", "AssetState", "clock_after", "input_column"]

ALL_KERNELS: Final = Kernel.A | Kernel.B | Kernel.C | Kernel.D
_KERNEL_BITS: Final = tuple(kernel.value for kernel in Kernel)


@dataclass(frozen=True, slots=True)
class AssetState:
    """Everything that evolves for one asset; never changed in place.

    Attributes:
        rows: its column of a tile and its network, see `asset_layout`.
        timestamp_ns: of the last accepted tick, or the first; None before that.
        sequence: ticks seen, rejected ones too; decides when the network trains.
    """

    rows: Shaped[ndarray, " features"]
    timestamp_ns: int | None = None
    sequence: int = 0


def clock_after(last_ns: int | None, tick: MarketObservation, *, refused: bool) -> int:
    """The asset's `timestamp_ns` after a tick: one that is refused does not move it."""
    return last_ns if refused and last_ns is not None else tick.timestamp_ns


def input_column(
    config: PredictorConfig,
    last_ns: int | None,
    tick: MarketObservation,
    *,
    processing_time_ns: int | None = None,
    depth: int | None = None,
    kernel_mask: Kernel = ALL_KERNELS,
) -> Float64[ndarray, " inputs"]:
    """A tick as the step takes it. Times are subtracted as integers before they become seconds.

    Args:
        config: depth and time to live where the tick has none of its own.
        last_ns: the asset's `timestamp_ns`.
        tick: the tick.
        processing_time_ns: when it is processed, for staleness; the tick's own time if None.
        depth: signature depth allowed; `log_sig_depth` if None.
        kernel_mask: kernels that may run.
    """
    age_ns = 0 if processing_time_ns is None else processing_time_ns - tick.timestamp_ns
    dt_s = 0.0 if last_ns is None else (tick.timestamp_ns - last_ns) * 1e-9
    allowed = config.log_sig_depth if depth is None else depth
    masks = [float(kernel_mask.value & bit != 0) for bit in _KERNEL_BITS]
    # In the order of `Input`.
    return np.array(
        [1.0, tick.price, tick.target, dt_s, age_ns / config.staleness_ttl_ns, allowed, *masks]
    )
