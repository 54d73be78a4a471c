"""Everything the page can show at this moment, in bounded memory; feeds write, HTTP reads.

One lock guards it and is held for a few milliseconds at most: a browser that reads slowly holds
nothing, since every answer is made whole before its first byte is sent.
"""

import math
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from ops.top import FleetPicture
from ops.web.asset import AssetView
from ops.web.query import AssetQuery, FlagQuery
from schemas import FlagEvent

__all__ = ["Board"]

_FLAGS_KEPT: Final = 1_000
_ASSET_FLAGS_SHOWN: Final = 50


class Board:
    """The page's memory.

    Args:
        group: the fleet's consumer group.
        most_assets: how many assets are followed; those that come later are only counted.
    """

    def __init__(self, group: str, *, most_assets: int) -> None:
        self.group = group
        self.boot: Final = secrets.token_hex(4)
        """Tells a browser that numbers it remembers are of another process."""
        self._most_assets = most_assets
        self._lock = threading.Lock()
        self._assets: dict[str, AssetView] = {}
        self._flags: deque[dict[str, Any]] = deque(maxlen=_FLAGS_KEPT)
        self._flag_ids: set[str] = set()
        self._flags_end = 0
        self._last_flag: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._problems: dict[str, str] = {}
        self._picture: dict[str, Any] | None = None
        self._picture_s = 0.0

    # Feeds write.

    def follows(self, asset_id: str) -> bool:
        """Whether results of the asset are wanted; False where there is no room for another."""
        with self._lock:
            return asset_id in self._assets or len(self._assets) < self._most_assets

    def add_results(self, results: Iterable[Mapping[str, Any]], *, left_out: int = 0) -> None:
        """Take decoded results in, oldest first.

        Args:
            results: the contract's fields by name.
            left_out: how many others came that were not looked at.
        """
        with self._lock:
            self._counts["left_out"] += left_out
            for result in results:
                name = result["asset_id"]
                if name not in self._assets:
                    if len(self._assets) >= self._most_assets:
                        continue
                    self._assets[name] = AssetView(name)
                self._assets[name].fold(result)
                self._counts["results"] += 1

    def add_flags(self, events: Iterable[FlagEvent]) -> None:
        """Take flag events in, oldest first."""
        with self._lock:
            for event in events:
                if event.event_id in self._flag_ids:
                    continue  # at-least-once delivery, or a reader that began anew
                if len(self._flags) == _FLAGS_KEPT:
                    self._flag_ids.discard(self._flags[0]["event_id"])
                self._flag_ids.add(event.event_id)
                self._flags_end += 1
                self._flags.append({"number": self._flags_end, **_flag(event)})
                if event.asset_id in self._assets:
                    self._last_flag[event.asset_id] = self._flags_end

    def add_picture(self, picture: FleetPicture) -> None:
        """The fleet looks like this now."""
        with self._lock:
            self._picture, self._picture_s = asdict(picture), time.time()

    def note(self, feed: str, problem: str | None) -> None:
        """A feed has a problem, or none any more."""
        with self._lock:
            if problem is None:
                self._problems.pop(feed, None)
            else:
                self._problems[feed] = problem

    # HTTP reads.

    def fleet(self) -> dict[str, Any]:
        """The last picture, as `tickfleet top --json` prints it, and when it was taken."""
        with self._lock:
            return {"at_ms": self._picture_s * 1e3, "picture": self._picture}

    def status(self) -> dict[str, Any]:
        """How the page itself is: what it follows, what it left out, what does not answer."""
        with self._lock:
            return {
                "boot": self.boot,
                "group": self.group,
                "now_ms": time.time() * 1e3,
                "assets": len(self._assets),
                "most_assets": self._most_assets,
                "results": self._counts["results"],
                "left_out": self._counts["left_out"],
                "problems": dict(self._problems),
            }

    def assets(self, query: AssetQuery) -> dict[str, Any]:
        """The assets that a query asks for."""
        with self._lock:
            found = query.choose(self._assets.values(), self._last_flag)
            lines = [one.line() for one in found[query.offset : query.offset + query.limit]]
            return {"followed": len(self._assets), "matching": len(found), "assets": lines}

    def asset(self, asset_id: str, since: int = 0) -> dict[str, Any] | None:
        """One asset: its line, its points from number `since` on, its flag events."""
        with self._lock:
            view = self._assets.get(asset_id)
            if view is None:
                return None
            flags = [one for one in reversed(self._flags) if one["asset_id"] == asset_id]
            return {
                "asset": view.row(),
                "points": view.history.columns(since),
                "flags": flags[:_ASSET_FLAGS_SHOWN],
            }

    def version(self, asset_id: str) -> tuple[int, int]:
        """Where an asset's history ends, and how many results it has had: equal is unchanged."""
        with self._lock:
            view = self._assets.get(asset_id)
            return (view.history.end, view.seen) if view is not None else (0, 0)

    def flags(self, query: FlagQuery) -> dict[str, Any]:
        """The newest flag events that a query asks for, newest first."""
        with self._lock:
            chosen: list[dict[str, Any]] = []
            for one in reversed(self._flags):
                if one["number"] <= query.after or len(chosen) == query.limit:
                    break
                if query.admits(one):
                    chosen.append(one)
            return {"end": self._flags_end, "flags": chosen}


def _flag(event: FlagEvent) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "type": str(event.type),
        "state": str(event.state),
        "severity": str(event.severity),
        "asset_id": event.asset_id,
        "partition": event.source_partition,
        "offset": event.source_offset,
        "at_ms": event.timestamp_ns / 1e6,
        "values": {name: value for name, value in event.values.items() if math.isfinite(value)},
    }
