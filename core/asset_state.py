"""What evolves of one asset, and what a tick puts beside it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float64, Shaped
from numpy import ndarray

from core.config import PredictorConfig
from core.flags import Kernel
from core.observation import MarketObservation
from core.packed import INPUT_ROWS, Input

__all__ = ["ALL_KERNELS", "AssetState", "input_column"]

ALL_KERNELS: Final = Kernel.A | Kernel.B | Kernel.C | Kernel.D
_MASKS: Final = tuple(zip(range(Input.MASK_A, Input.MASK_D + 1), Kernel, strict=True))


@dataclass(frozen=True, slots=True)
class AssetState:
    """Everything that evolves for one asset; never changed in place.

    Attributes:
        rows: its column of a tile and its network, see `asset_layout`.
        timestamp_ns: of the last tick; None before the first.
        sequence: ticks seen, rejected ones too; decides when the network trains.
    """

    rows: Shaped[ndarray, " features"]
    timestamp_ns: int | None = None
    sequence: int = 0


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
        last_ns: time of the asset's tick before; None before the first.
        tick: the tick.
        processing_time_ns: when it is processed, for staleness; the tick's own time if None.
        depth: signature depth allowed; `log_sig_depth` if None.
        kernel_mask: kernels that may run.
    """
    age_ns = 0 if processing_time_ns is None else processing_time_ns - tick.timestamp_ns
    column = np.zeros(INPUT_ROWS)
    column[Input.ACTIVE] = 1.0
    column[Input.PRICE] = tick.price
    column[Input.TARGET] = tick.target
    column[Input.DT_S] = 0.0 if last_ns is None else (tick.timestamp_ns - last_ns) * 1e-9
    column[Input.AGE_RATIO] = age_ns / config.staleness_ttl_ns
    column[Input.DEPTH] = config.log_sig_depth if depth is None else depth
    for row, kernel in _MASKS:
        column[row] = float(kernel in kernel_mask)
    return column
