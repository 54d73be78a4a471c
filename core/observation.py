"""One tick of one asset, as the specification's interface takes it (section 2.2)."""

from dataclasses import dataclass

__all__ = ["MarketObservation"]


@dataclass(frozen=True, slots=True)
class MarketObservation:
    """A tick.

    Attributes:
        price: y_t, units of the price.
        target: what the previous forecast is scored with, usually the price; NaN: no update.
        timestamp_ns: Unix time, an integer: 1.7e18 does not fit a double.
    """

    price: float
    target: float
    timestamp_ns: int

    def validate_domain(self, sigma_bound: float = 20.0, sigma_val: float = 1.0) -> bool:
        """Whether |price| <= sigma_bound * sigma_val: the specification's test.

        Meaningful for normalised prices only. The step itself judges increments against their
        own scale, so that it works in any unit.
        """
        return abs(self.price) <= sigma_bound * sigma_val
