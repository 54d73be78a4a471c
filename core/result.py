"""One result of one asset, read from a column of packed outputs (specification section 2.3)."""

from dataclasses import dataclass
from typing import Self

from jaxtyping import Float64
from numpy import ndarray

from core.flags import RESULT_FLAGS, Kernel, Mode
from core.packed import Output

__all__ = ["PredictionResult"]


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """What the predictor says after a tick.

    Attributes:
        predicted_next: forecast of the next level, in z-scores of `location` and `scale`.
        holder_exponent: H_t.
        cusum_drift: G+, the largest CUSUM channel, before the reset of an alarm.
        distance_to_collapse: adaptive_threshold - cusum_drift.
        free_energy: of the orchestrator after its step.
        kurtosis: of the standardised errors in the window, as they are; 3 until it is full. That
            which sets h_t is of bounded errors, and in no field.
        dgm_entropy: NaN while kernel B does not run.
        adaptive_threshold: h_t.
        weights: reported weights of kernels A, B, C, D; they sum to 1.
        sinkhorn_converged: the transport kernel is balanced.
        degraded_inference_mode: the tick is stale; weights are frozen.
        emergency_mode: the path is rougher than `holder_threshold`.
        regime_change_detected: CUSUM alarm at this tick.
        mode_collapse_warning: kernel B has collapsed.
        mode: "Standard", "Robust" or "Emergency".
        predicted_price: the forecast, units of the price.
        location: mean of the last levels, including this one.
        scale: their standard deviation, floored.
        kernel_forecasts: next increment by kernel, units of the price; NaN where one did not run.
        outlier_rejected: the tick was rejected and this is the last valid result.
        warming_up: the window of levels is not full yet.
        frequency_warning: this tick or one of the 64 before came later than the Nyquist interval.
        frozen_signal: the price has stood still for unusually long.
        kurtosis_outlier_warning: the residual model may be invalid.
        signature_depth: depth of the readout that kernel D forecast with.
        kernel_mask: kernels that took part.
    """

    predicted_next: float
    holder_exponent: float
    cusum_drift: float
    distance_to_collapse: float
    free_energy: float
    kurtosis: float
    dgm_entropy: float
    adaptive_threshold: float
    weights: tuple[float, ...]
    sinkhorn_converged: bool
    degraded_inference_mode: bool
    emergency_mode: bool
    regime_change_detected: bool
    mode_collapse_warning: bool
    mode: str
    predicted_price: float
    location: float
    scale: float
    kernel_forecasts: tuple[float, ...]
    outlier_rejected: bool
    warming_up: bool
    frequency_warning: bool
    frozen_signal: bool
    kurtosis_outlier_warning: bool
    signature_depth: int
    kernel_mask: Kernel

    @classmethod
    def from_column(cls, column: Float64[ndarray, " outputs"]) -> Self:
        """Read one lane's outputs, rows of `Output`."""
        rows = column.tolist()
        numbers = {name: rows[row] for name, row in _NUMBERS.items()}
        flags = int(rows[Output.FLAGS])
        named = {name: flags & bit != 0 for name, bit in _BITS.items()}
        return cls(
            **numbers,
            **named,
            weights=tuple(rows[Output.WEIGHT_A : Output.WEIGHT_D + 1]),
            kernel_forecasts=tuple(rows[Output.FORECAST_A : Output.FORECAST_D + 1]),
            mode=_MODES[int(rows[Output.MODE])],
            signature_depth=int(rows[Output.SIGNATURE_DEPTH]),
            kernel_mask=_KERNELS[int(rows[Output.KERNEL_MASK])],
        )


_NUMBERS = {
    name: Output[name.upper()].value
    for name in (
        "predicted_next",
        "holder_exponent",
        "cusum_drift",
        "distance_to_collapse",
        "free_energy",
        "kurtosis",
        "dgm_entropy",
        "adaptive_threshold",
        "predicted_price",
        "location",
        "scale",
    )
}
_BITS = {name: flag.value for name, flag in RESULT_FLAGS.items()}
_MODES = {mode.value: mode.name.capitalize() for mode in Mode}
_KERNELS = [Kernel(bits) for bits in range(2 ** len(Kernel))]
