"""What is searched: a table of typed dimensions, each a setting of the predictor by its name."""

import difflib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, Self, cast, get_type_hints

from core import InvalidConfigError, PredictorConfig
from workers.tuning.errors import TuningError

__all__ = ["Dimension", "SearchSpace"]

Kind = Literal["float", "int", "categorical"]
_KINDS: Final = ("float", "int", "categorical")
_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "float": frozenset({"type", "low", "high", "log", "step"}),
    "int": frozenset({"type", "low", "high", "log", "step"}),
    "categorical": frozenset({"type", "choices"}),
}
_NAMES: Final = tuple(field.name for field in fields(PredictorConfig))
_POINTLESS: Final[Mapping[str, str]] = {
    "schema_version": "names the state's meaning and is no hyperparameter",
    "staleness_ttl_ns": "has no effect at event time, where no tick is stale",
    "inference_recovery_hysteresis": "has no effect at event time, where no tick is stale",
}


@dataclass(frozen=True, slots=True)
class Dimension:
    """One setting that is searched.

    Attributes:
        name: of the setting.
        kind: `float`, `int` or `categorical`.
        low, high: bounds, both included; of numbers.
        log: search on a logarithmic scale.
        step: distance between values; None: any.
        choices: of a categorical one.
    """

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    choices: tuple[Any, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether a trial may have this value."""
        if self.kind == "categorical":
            return any(value == choice for choice in self.choices)
        if isinstance(value, str) or not self.low <= float(value) <= self.high:
            return False
        steps = (float(value) - self.low) / self.step if self.step else 0.0
        return abs(steps - round(steps)) < 1e-9


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """All of them, in the order of the table."""

    dimensions: tuple[Dimension, ...]

    @classmethod
    def parse(cls, table: Mapping[str, Any], base: PredictorConfig) -> Self:
        """Check a table such as `{"cusum_h": {"type": "float", "low": 3, "high": 12}}`.

        Args:
            table: setting -> its dimension.
            base: the settings that are not searched.

        Raises:
            TuningError: a name, type or bound is wrong; the message names the setting.
        """
        if not table:
            raise TuningError("the space is empty: give at least one setting, as in [cusum_h]")
        space = cls(tuple(_dimension(name, given) for name, given in table.items()))
        for one in space.dimensions:
            for value in one.choices or (_cast(one, one.low), _cast(one, one.high)):
                _check_value(base, one.name, value)
        return space

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The table again, defaults included, as JSON can hold it."""
        return {
            one.name: {"type": "categorical", "choices": list(one.choices)}
            if one.kind == "categorical"
            else {
                "type": one.kind,
                "low": _cast(one, one.low),
                "high": _cast(one, one.high),
                "log": one.log,
                "step": one.step,
            }
            for one in self.dimensions
        }


def _dimension(name: str, given: Any) -> Dimension:
    if name not in _NAMES:
        close = difflib.get_close_matches(name, _NAMES, n=1)
        raise TuningError(
            f"{name} is no setting of the predictor: "
            + (f"did you mean {close[0]}?" if close else "remove it")
        )
    if name in _POINTLESS:
        raise TuningError(f"{name} {_POINTLESS[name]}: remove it from the space")
    if not isinstance(given, Mapping):
        raise TuningError(f"{name}: write a table, as in [{name}] with type, low and high")
    kind = given.get("type")
    if kind not in _KINDS:
        raise TuningError(f"{name}: type={kind!r}: one of {', '.join(_KINDS)}")
    if unknown := sorted(set(given) - _KEYS[kind]):
        raise TuningError(
            f"{name}: {', '.join(unknown)} means nothing for a {kind}: it has "
            f"{', '.join(sorted(_KEYS[kind] - {'type'}))}"
        )
    _check_kind(name, kind)
    if kind == "categorical":
        choices = given.get("choices")
        if not isinstance(choices, list) or len(choices) < 2:
            raise TuningError(f"{name}: choices must be a list of at least two values")
        return Dimension(name, "categorical", choices=tuple(choices))
    return _number(name, cast(Kind, kind), given)


def _check_kind(name: str, kind: str) -> None:
    hint = get_type_hints(PredictorConfig)[name]
    if hint is float:
        allowed: tuple[str, ...] = ("float", "categorical")
    elif hint is int or name == "holder_base_scale":
        allowed = ("int", "categorical")
    else:
        allowed = ("categorical",)
    if kind not in allowed:
        raise TuningError(f"{name}: type={kind!r}: this setting can be {' or '.join(allowed)}")


def _number(name: str, kind: Kind, given: Mapping[str, Any]) -> Dimension:
    numbers: dict[str, float] = {}
    for key in ("low", "high", "step"):
        value = given.get(key)
        if value is None and key == "step":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TuningError(f"{name}: {key} must be a number, not {value!r}")
        if not abs(value) <= sys.float_info.max:  # nor is NaN, or an integer beyond it
            raise TuningError(f"{name}: {key}={value!r}: a finite number")
        if kind == "int" and int(value) != value:
            raise TuningError(f"{name}: {key}={value!r}: a whole number, as the type is int")
        numbers[key] = value
    log = given.get("log", False)
    if not isinstance(log, bool):
        raise TuningError(f"{name}: log must be true or false")
    if not numbers["low"] < numbers["high"]:
        raise TuningError(f"{name}: low={numbers['low']} must be below high={numbers['high']}")
    if log and numbers["low"] <= 0:
        raise TuningError(f"{name}: log=true needs low > 0")
    if log and "step" in numbers:
        raise TuningError(f"{name}: give either log or step")
    if numbers.get("step", 1) <= 0:
        raise TuningError(f"{name}: step must be above 0")
    return Dimension(name, kind, numbers["low"], numbers["high"], log, numbers.get("step"))


def _cast(one: Dimension, value: float) -> float | int:
    return int(value) if one.kind == "int" else float(value)


def _check_value(base: PredictorConfig, name: str, value: Any) -> None:
    try:
        PredictorConfig(**base.to_dict() | {name: value})
    except InvalidConfigError as error:
        raise TuningError(f"the space allows {error}") from error
