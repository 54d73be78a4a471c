"""The hyperparameters of the predictor (specification section 2.1), frozen and checked.

Everything that changes a result is here; how results are delivered is not. The fingerprint
names a configuration in journals and snapshots.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args, get_type_hints

from core.errors import FatalError

__all__ = ["InvalidConfigError", "PredictorConfig"]


class InvalidConfigError(FatalError, ValueError):
    """A setting of the predictor has a wrong name, type or value; the message names it."""


@dataclass(frozen=True, slots=True)
class PredictorConfig:
    """Hyperparameters of one predictor. The first 15 are the specification's.

    Attributes:
        schema_version: version of the state's meaning; a snapshot with another is refused.
        epsilon: entropic regularisation of the transport step: the share of weight that leaks.
        learning_rate: JKO learning rate; the mirror step's rate is 20 times this. Above the
            default the regret is clipped sooner: no step is larger than there.
        log_sig_depth: deepest signature of kernel D: 2 to 5.
        wtmm_buffer_size: levels behind location and scale (and the wavelet buffer), N_buf.
        besov_cone_c: cone of influence of the wavelet maxima.
        holder_threshold: EmergencyMode below this Hölder exponent.
        cusum_h: CUSUM threshold in standard deviations.
        cusum_k: CUSUM slack in standard deviations.
        grace_period_steps: ticks without alarms after a regime change.
        volatility_alpha: gain of the fast EWMA variance of forecast errors.
        staleness_ttl_ns: age of a tick beyond which inference is degraded.
        besov_nyquist_interval_ns: inter-arrival time beyond which the stream is sparse.
        inference_recovery_hysteresis: degraded mode ends below this share of the TTL, 0.01 to 1.
        holder_estimator: `fused` (fGn filter bank, and the wavelet maxima line nearest to now),
            `bank` (without the line), `wtmm` (maxima lines alone).
        holder_base_scale: lag in ticks the bank reads roughness on, or `auto`.
        kernel_a: `rls`, or `levinson` (textbook recursion).
        kernel_d: `fading` (signatures with fading memory), or `window` (of the last 33 ticks).
        kernel_gate: shrink kernels towards persistence by their realised skill.
        cusum_threshold: `calibrated`, or `literal` for the specification's own formula.
        dgm_every: ticks of an asset from one training step of its kernel B network to the next.
        dgm_entropy_gamma: share of its spread that kernel B's solution must keep, 0.5 to 1.
            Above 0.95 the noise of training raises the warning on a random walk.
    """

    schema_version: str = "1.0"
    epsilon: float = 1e-3
    learning_rate: float = 0.01
    log_sig_depth: int = 3
    wtmm_buffer_size: int = 128
    besov_cone_c: float = 1.5
    holder_threshold: float = 0.4
    cusum_h: float = 5.0
    cusum_k: float = 0.5
    grace_period_steps: int = 20
    volatility_alpha: float = 0.1
    staleness_ttl_ns: int = 500_000_000
    besov_nyquist_interval_ns: int = 100_000_000
    inference_recovery_hysteresis: float = 0.8
    holder_estimator: Literal["fused", "bank", "wtmm"] = "fused"
    holder_base_scale: int | Literal["auto"] = "auto"
    kernel_a: Literal["rls", "levinson"] = "rls"
    kernel_d: Literal["fading", "window"] = "fading"
    kernel_gate: bool = True
    cusum_threshold: Literal["calibrated", "literal"] = "calibrated"
    dgm_every: int = 16
    dgm_entropy_gamma: float = 0.5

    def __post_init__(self) -> None:
        _check_types(self)
        _check_ranges(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse a JSON object of settings; those absent keep their defaults.

        Raises:
            InvalidConfigError: not an object, an unknown key, a wrong type or value.
        """
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidConfigError(
                f"the configuration is not JSON: {error}; give the text, not the name of a file"
            ) from error
        if not isinstance(given, dict):
            raise InvalidConfigError("the configuration must be a JSON object of settings")
        unknown = sorted(given.keys() - {f.name for f in fields(cls)})
        if unknown:
            raise InvalidConfigError(f"unknown settings {unknown}: remove or correct them")
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """All settings by name, as JSON can hold them."""
        return asdict(self)

    def fingerprint(self) -> str:
        """16 hex digits of the SHA-256 of the canonical JSON: equal iff all settings are."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


_RANGES: dict[str, tuple[float, float]] = {
    "epsilon": (1e-12, 1e12),
    "learning_rate": (0.0, 10.0),
    "log_sig_depth": (2, 5),
    "wtmm_buffer_size": (32, 4096),
    "besov_cone_c": (0.0, 10.0),
    "holder_threshold": (0.0, 1.0),
    "cusum_h": (1e-6, 1e6),
    "cusum_k": (0.0, 1e3),
    "grace_period_steps": (0, 1_000_000),
    "volatility_alpha": (1e-6, 1.0),
    "staleness_ttl_ns": (1, 10**18),
    "besov_nyquist_interval_ns": (1, 10**18),
    "inference_recovery_hysteresis": (0.01, 1.0),
    "dgm_every": (1, 1_000_000),
    "dgm_entropy_gamma": (0.5, 1.0),
}
_COUNTS_AS_FLOAT = (int, float)


def _check_types(config: PredictorConfig) -> None:
    """Refuse wrong types, and store integers given for real numbers as floats.

    Without the conversion, 5 and 5.0 would be equal configurations with two fingerprints.
    """
    for name, hint in get_type_hints(PredictorConfig).items():
        value = getattr(config, name)
        if hint is float and isinstance(value, _COUNTS_AS_FLOAT) and not isinstance(value, bool):
            object.__setattr__(config, name, float(value))
        elif not _is_instance(value, hint):
            raise InvalidConfigError(f"{name}={value!r}: expected {hint}")


def _is_instance(value: object, hint: Any) -> bool:
    options = get_args(hint)
    if hint in (int, str, bool):
        return type(value) is hint
    return any(
        value in get_args(option) if get_args(option) else type(value) is option
        for option in ((hint,) if all(isinstance(o, str) for o in options) else options)
    )


def _check_ranges(config: PredictorConfig) -> None:
    for name, (low, high) in _RANGES.items():
        value = getattr(config, name)
        if not low <= value <= high:
            raise InvalidConfigError(f"{name}={value!r}: must lie in [{low:g}, {high:g}]")
    lag = config.holder_base_scale
    if isinstance(lag, int) and not 1 <= lag <= 1_000_000:
        raise InvalidConfigError("holder_base_scale: a lag of 1 to 1000000 ticks, or 'auto'")
