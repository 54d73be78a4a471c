"""What a browser may ask for, read from a query string and checked. Pure."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from ops.web.asset import AssetView
from schemas import FlagState, FlagType, Severity

__all__ = ["SORTS", "AssetQuery", "BadQueryError", "FlagQuery"]

_MOST_ROWS: Final = 500
_MOST_FLAGS: Final = 1_000
SORTS: Final = ("flagged", "movers", "worst", "alarm", "name")
"""Recently flagged, largest move, worst forecast, nearest to an alarm, by name."""


class BadQueryError(ValueError):
    """A parameter has no such value; the message names both."""


@dataclass(frozen=True, slots=True)
class AssetQuery:
    """Which assets, in which order.

    Attributes:
        search: part of the name, whatever the case; empty for all.
        sort: one of SORTS.
        limit: how many at most.
        offset: how many to pass over first.
    """

    search: str = ""
    sort: str = "flagged"
    limit: int = 50
    offset: int = 0

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """From a query string; raises BadQueryError."""
        return cls(
            search=given.get("search", "").strip().lower(),
            sort=_choice(given, "sort", SORTS) or SORTS[0],
            limit=_number(given, "limit", 50, _MOST_ROWS),
            offset=_number(given, "offset", 0, None),
        )

    def choose(self, assets: Iterable[AssetView], last_flag: Mapping[str, int]) -> list[AssetView]:
        """All that match, in order; equal ones by name."""
        found = sorted(
            (one for one in assets if self.search in one.name.lower()), key=lambda one: one.name
        )
        rank = _rank(self.sort, last_flag)
        return found if rank is None else sorted(found, key=rank, reverse=True)


@dataclass(frozen=True, slots=True)
class FlagQuery:
    """Which flag events; empty conditions admit all.

    Attributes:
        types, severities, states: names as in the contract.
        asset: one asset's only.
        after: newer than this number.
        limit: how many at most.
    """

    types: Collection[str] = ()
    severities: Collection[str] = ()
    states: Collection[str] = ()
    asset: str | None = None
    after: int = 0
    limit: int = 200

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """From a query string, several names separated by commas; raises BadQueryError."""
        return cls(
            types=_choices(given, "type", [str(one) for one in FlagType]),
            severities=_choices(given, "severity", [str(one) for one in Severity]),
            states=_choices(given, "state", [str(one) for one in FlagState]),
            asset=given.get("asset"),
            after=_number(given, "after", 0, None),
            limit=_number(given, "limit", 200, _MOST_FLAGS),
        )

    def admits(self, flag: Mapping[str, Any]) -> bool:
        """Whether an event meets every condition but `after`."""
        return (
            (not self.types or flag["type"] in self.types)
            and (not self.severities or flag["severity"] in self.severities)
            and (not self.states or flag["state"] in self.states)
            and self.asset in (None, flag["asset_id"])
        )


def _rank(sort: str, last_flag: Mapping[str, int]) -> Callable[[AssetView], float] | None:
    ranks: dict[str, Callable[[AssetView], float]] = {
        "flagged": lambda one: last_flag.get(one.name, 0),
        "movers": lambda one: _last_if_unknown(abs(one.change)),
        "worst": lambda one: _last_if_unknown(one.error),
        "alarm": lambda one: _last_if_unknown(one.alarm_share),
    }
    return ranks.get(sort)


def _last_if_unknown(value: float) -> float:
    return -1.0 if math.isnan(value) else value


def _choices(given: Mapping[str, str], name: str, allowed: Collection[str]) -> tuple[str, ...]:
    chosen = tuple(part for part in given.get(name, "").split(",") if part)
    for part in chosen:
        if part not in allowed:
            raise BadQueryError(f"{name}={part}: choose of {', '.join(allowed)}")
    return chosen


def _choice(given: Mapping[str, str], name: str, allowed: Collection[str]) -> str | None:
    chosen = _choices(given, name, allowed)
    return chosen[0] if chosen else None


def _number(given: Mapping[str, str], name: str, default: int, most: int | None) -> int:
    text = given.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()) or len(text) > 15:
        raise BadQueryError(f"{name}={text}: it must be a whole number, zero or more")
    return int(text) if most is None else min(int(text), most)
