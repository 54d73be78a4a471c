"""How a table holds ticks: which columns, in which unit of time, how clean it must be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from schemas import MAX_ASSET_ID_SIZE
from workers.replay.errors import ReplayError

__all__ = ["BadQuotes", "Layout", "Repeats", "TimeUnit", "how"]

_KNOWN: Final = ("asset_id", "price", "bid", "ask", "timestamp_ns", "target")


class TimeUnit(StrEnum):
    """Of timestamps that are numbers; timestamp types and ISO texts say theirs themselves."""

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


class BadQuotes(StrEnum):
    """What to do with a quote that has no mid: crossed, or one side empty."""

    REFUSE = "refuse"
    DROP = "drop"


def how(name: str, value: str | None = None) -> str:
    """How a choice of a `Layout` is made, for messages: by a command's option, or in Python."""
    option = f"--{name.replace('_', '-')}"
    if value is None:
        return f"{option} (in Python Layout({name}=True))"
    return f"{option} {value} (in Python Layout({name}={value!r}))"


@dataclass(frozen=True, slots=True)
class Layout:
    """Attributes:
    columns: our name -> the table's name, where they differ.
    asset: the one asset that the whole table is of; then it needs no column of assets.
    mid: the price is the middle of the columns bid and ask.
    bad_quotes: with `mid`, of quotes that have none.
    time_unit: of timestamps that are numbers.
    time_zone: of times that name none, as tz database name.
    unsorted: take the rows as they stand, even if time runs backwards between them.
    repeats: rows equal in asset, time, price and target. None: refused; of an unsorted table kept,
        where they cannot be told from ticks.
    allow_nonpositive_prices: as the worker's setting of that name.

    A choice may be given as its text, as in `repeats="keep"`.

    Raises:
        ReplayError: `columns` renames something that is no column of ours, a choice is none,
            `time_zone` is unknown, or choices exclude each other.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    asset: str | None = None
    mid: bool = False
    bad_quotes: BadQuotes = BadQuotes.REFUSE
    time_unit: TimeUnit = TimeUnit.NS
    time_zone: str = "UTC"
    unsorted: bool = False
    repeats: Repeats | None = None
    allow_nonpositive_prices: bool = False

    def __post_init__(self) -> None:
        self._choose("bad_quotes", BadQuotes)
        self._choose("time_unit", TimeUnit)
        if self.repeats is not None:
            self._choose("repeats", Repeats)
        if self.unsorted and self.repeats not in (None, Repeats.KEEP):
            raise ReplayError(
                f"repeats = {self.repeats} needs rows in order of time: sort them, or leave "
                "unsorted or repeats out"
            )
        if unknown := sorted(set(self.columns) - set(_KNOWN)):
            raise ReplayError(
                f"{', '.join(unknown)} is no column of ticks: rename one of {', '.join(_KNOWN)}, "
                "as in price=last_price"
            )
        # Pandas names columns without a header by numbers.
        named = {ours: str(theirs) for ours, theirs in self.columns.items()}
        object.__setattr__(self, "columns", named)
        if self.asset is not None and not 0 < len(self.asset.encode()) <= MAX_ASSET_ID_SIZE:
            raise ReplayError(
                f"the asset's name has {len(self.asset.encode())} bytes, allowed are 1 to "
                f"{MAX_ASSET_ID_SIZE}"
            )
        if self.asset is not None and "asset_id" in self.columns:
            raise ReplayError("either one asset for the whole table, or a column of assets")
        if not self.mid and {"bid", "ask"} & set(self.columns):
            raise ReplayError(f"bid and ask are read for their middle only: say {how('mid')}")
        if self.mid and "price" in self.columns:
            raise ReplayError("either the mid, or a column for the price")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError, OSError) as error:
            raise ReplayError(
                f"{self.time_zone!r} is no time zone: write one such as Europe/Madrid"
            ) from error

    def _choose(self, name: str, kind: type[StrEnum]) -> None:
        given = getattr(self, name)
        if given not in list(kind):
            raise ReplayError(f"{name} is {given!r}: write one of {', '.join(kind)}")
        object.__setattr__(self, name, kind(given))

    @property
    def required(self) -> tuple[str, ...]:
        """Our names of the columns that must be there."""
        asset = () if self.asset is not None else ("asset_id",)
        return (*asset, *(("bid", "ask") if self.mid else ("price",)), "timestamp_ns")

    @property
    def wanted(self) -> tuple[str, ...]:
        """Our names of the columns that are read."""
        return (*self.required, "target")

    def theirs(self, name: str) -> str:
        """The table's name of a column of ours."""
        return self.columns.get(name, name)

    def read_from(self, names: list[str]) -> list[str]:
        """Which of a table's columns are read."""
        wanted = [self.theirs(name) for name in self.wanted]
        return [name for name in dict.fromkeys(wanted) if name in names]
