"""Flag bits, kernel bits and operating modes (specification sections 2.3, 11 and 12)."""

from enum import IntEnum, IntFlag

__all__ = [
    "AVAILABLE_KERNELS",
    "INSTANT_EVENTS",
    "LEVEL_FLAGS",
    "RESULT_FLAGS",
    "Flag",
    "Kernel",
    "Mode",
]


class Flag(IntFlag):
    """What a tick's result says about its asset.

    Level flags hold over several ticks and have rising and falling edges; instant events
    belong to one tick; the last two describe the result and are no events.
    """

    EMERGENCY_MODE = 1
    DEGRADED_INFERENCE_MODE = 2
    MODE_COLLAPSE_WARNING = 4
    KURTOSIS_OUTLIER_WARNING = 8
    FREQUENCY_WARNING = 16
    FROZEN_SIGNAL = 32
    DOMAIN_ERROR = 64
    """The tick was rejected as an outlier; the last valid result is repeated."""
    REGIME_CHANGE_DETECTED = 128
    NORMAL_OPERATION_RESTORED = 256
    """Falling edge of DEGRADED_INFERENCE_MODE."""
    STALENESS_WARNING = 512
    """Rising edge of DEGRADED_INFERENCE_MODE."""
    MODE_DEGRADATION_ALERT = 1024
    SINKHORN_CONVERGED = 2048
    WARMING_UP = 4096


LEVEL_FLAGS = (
    Flag.EMERGENCY_MODE
    | Flag.DEGRADED_INFERENCE_MODE
    | Flag.MODE_COLLAPSE_WARNING
    | Flag.KURTOSIS_OUTLIER_WARNING
    | Flag.FREQUENCY_WARNING
    | Flag.FROZEN_SIGNAL
    | Flag.DOMAIN_ERROR
)
INSTANT_EVENTS = (
    Flag.REGIME_CHANGE_DETECTED
    | Flag.NORMAL_OPERATION_RESTORED
    | Flag.STALENESS_WARNING
    | Flag.MODE_DEGRADATION_ALERT
)


class Kernel(IntFlag):
    """The four predictors of the mixture."""

    A = 1
    """Hilbert projection (Wiener-Hopf)."""
    B = 2
    """Deep Galerkin."""
    C = 4
    """Ito-Levy jump diffusion."""
    D = 8
    """Path signatures."""


AVAILABLE_KERNELS = Kernel.A | Kernel.B | Kernel.C | Kernel.D
"""Kernels this build can run. The others forecast persistence and are reported as masked."""


class Mode(IntEnum):
    """Operating mode of an asset, most severe last."""

    STANDARD = 0
    ROBUST = 1
    EMERGENCY = 2


RESULT_FLAGS = {
    "sinkhorn_converged": Flag.SINKHORN_CONVERGED,
    "degraded_inference_mode": Flag.DEGRADED_INFERENCE_MODE,
    "emergency_mode": Flag.EMERGENCY_MODE,
    "regime_change_detected": Flag.REGIME_CHANGE_DETECTED,
    "mode_collapse_warning": Flag.MODE_COLLAPSE_WARNING,
    "outlier_rejected": Flag.DOMAIN_ERROR,
    "warming_up": Flag.WARMING_UP,
    "frequency_warning": Flag.FREQUENCY_WARNING,
    "frozen_signal": Flag.FROZEN_SIGNAL,
    "kurtosis_outlier_warning": Flag.KURTOSIS_OUTLIER_WARNING,
}
"""Boolean field of a result -> its bit of `Output.FLAGS`, in the contract's wire order."""
