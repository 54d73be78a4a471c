"""One tick of one asset, as the specification's interface takes it (section 2.2)."""

import operator
from dataclasses import dataclass

import numpy as np

__all__ = ["MarketObservation"]

_EARLIEST_NS, _LATEST_NS = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class MarketObservation:
    """A tick. Its numbers are made Python's own: NumPy's integers overflow, and no file takes them.

    Arrays of one number, as the specification's prices are, will do; what is no number, and a
    timestamp that is not an integer, is a `TypeError`; one of more than 64 bits a `ValueError`.

    Attributes:
        price: y_t, units of the price.
        target: what the previous forecast is scored with, usually the price; NaN: no update.
        timestamp_ns: Unix time, an integer: 1.7e18 does not fit a double.
    """

    price: float
    target: float
    timestamp_ns: int

    def __post_init__(self) -> None:
        for name in ("price", "target"):
            given = getattr(self, name)
            if type(given) is not float:
                if given is None or isinstance(given, str | bytes):
                    raise TypeError(f"{name} is {given!r}, no number")
                object.__setattr__(self, name, np.asarray(given, dtype=np.float64).item())
        timestamp_ns = operator.index(self.timestamp_ns)
        if not _EARLIEST_NS <= timestamp_ns <= _LATEST_NS:
            raise ValueError(f"timestamp_ns is {timestamp_ns}, no 64-bit count of nanoseconds")
        object.__setattr__(self, "timestamp_ns", timestamp_ns)

    def validate_domain(self, sigma_bound: float = 20.0, sigma_val: float = 1.0) -> bool:
        """Whether |price| <= sigma_bound * sigma_val: the specification's test.

        Meaningful for normalised prices only. The step itself judges increments against their
        own scale, so that it works in any unit.
        """
        return abs(self.price) <= sigma_bound * sigma_val
