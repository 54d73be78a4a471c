"""Row numbers of the packed inputs and outputs of a step, and the width of a tile.

One array in and one out: every further argument of a compiled call costs about a microsecond.
Rows are added at the end only; journals and results name them.
"""

from enum import IntEnum

__all__ = ["INPUT_ROWS", "OUTPUT_ROWS", "TILE_WIDTH", "Input", "Output"]

TILE_WIDTH = 64
"""Assets ("lanes") of one tile. A call costs the same however many of them are due."""


class Input(IntEnum):
    """Rows of the packed inputs, float64 [INPUT_ROWS, lanes]."""

    ACTIVE = 0
    """1 where the lane has a tick; elsewhere its state stays bit-identical."""
    PRICE = 1
    TARGET = 2
    """What the previous forecast is scored with; NaN: no update."""
    DT_S = 3
    """Seconds since this asset's last accepted tick; 0 for the first, may be <= 0."""
    AGE_RATIO = 4
    """(processing time - timestamp) / staleness_ttl_ns."""
    DEPTH = 5
    """Signature depth that the load shedder allows."""
    MASK_A = 6
    """1 where the kernel may run, likewise the next three."""
    MASK_B = 7
    MASK_C = 8
    MASK_D = 9


class Output(IntEnum):
    """Rows of the packed outputs, float64 [OUTPUT_ROWS, lanes]."""

    PREDICTED_NEXT = 0
    """Forecast of the next level, as a z-score of LOCATION and SCALE."""
    PREDICTED_PRICE = 1
    """The same forecast in units of the price."""
    LOCATION = 2
    """Mean of the last 128 levels, including the newest."""
    SCALE = 3
    """Standard deviation of the same levels, floored."""
    HOLDER_EXPONENT = 4
    CUSUM_DRIFT = 5
    DISTANCE_TO_COLLAPSE = 6
    FREE_ENERGY = 7
    KURTOSIS = 8
    DGM_ENTROPY = 9
    """NaN while kernel B does not run."""
    ADAPTIVE_THRESHOLD = 10
    WEIGHT_A = 11
    """Reported weights, after overrides and masks; likewise the next three."""
    WEIGHT_B = 12
    WEIGHT_C = 13
    WEIGHT_D = 14
    FORECAST_A = 15
    """One-step increment forecasts in units of the price; NaN while a kernel does not run."""
    FORECAST_B = 16
    FORECAST_C = 17
    FORECAST_D = 18
    FLAGS = 19
    """`Flag` bits that hold now."""
    RAISED = 20
    """Level flags that rose at this tick."""
    CLEARED = 21
    """Level flags that fell at this tick."""
    INSTANT = 22
    """Instant events of this tick."""
    MODE = 23
    SIGNATURE_DEPTH = 24
    KERNEL_MASK = 25
    """`Kernel` bits that took part in this forecast."""


INPUT_ROWS = len(Input)
OUTPUT_ROWS = len(Output)
