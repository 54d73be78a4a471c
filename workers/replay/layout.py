"""How a table holds ticks: which columns, in which unit of time, how clean it must be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from workers.replay.errors import ReplayError

__all__ = ["OPTIONAL", "REQUIRED", "Layout", "Repeats", "TimeUnit"]

REQUIRED: Final = ("asset_id", "price", "timestamp_ns")
OPTIONAL: Final = ("target",)


class TimeUnit(StrEnum):
    """Of integer timestamps; columns of a timestamp type say theirs themselves."""

    NS = "ns"
    US = "us"
    MS = "ms"
    S = "s"

    @property
    def nanoseconds(self) -> int:
        """One unit."""
        return {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}[self.value]


class Repeats(StrEnum):
    """What to do with a row that repeats another one of the same instant."""

    REFUSE = "refuse"
    DROP = "drop"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Layout:
    """Attributes:
    columns: our name -> the table's name, where they differ.
    time_unit: of integer timestamps.
    unsorted: take the rows as they stand, even if time runs backwards between them.
    repeats: rows equal in asset, time, price and target.
    allow_nonpositive_prices: as the worker's setting of that name.

    Raises:
        ReplayError: `columns` renames something that is no column of ours.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    time_unit: TimeUnit = TimeUnit.NS
    unsorted: bool = False
    repeats: Repeats = Repeats.REFUSE
    allow_nonpositive_prices: bool = False

    def __post_init__(self) -> None:
        known = (*REQUIRED, *OPTIONAL)
        if unknown := sorted(set(self.columns) - set(known)):
            raise ReplayError(
                f"{', '.join(unknown)} is no column of ticks: rename one of {', '.join(known)}, "
                "as in price=last_price"
            )

    def theirs(self, name: str) -> str:
        """The table's name of a column of ours."""
        return self.columns.get(name, name)
