"""Transactions that stay open."""

import time
from collections.abc import Iterator
from typing import Final

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from workers.delivery.held_back import held_back
from workers.time_limit import time_limit

__all__ = ["check_transactions"]

_WATCH_S: Final = 2.0


def check_transactions(site: Site) -> Iterator[Finding]:
    """A transaction that stays open holds every read_committed subscriber back."""
    config = site.config
    if not site.laid_out:
        yield Finding.skipped("transactions", "not all topics exist")
        return
    before = _held_back(site)
    if before:
        # Open at the moment is how a busy fleet looks; open at the same place is not.
        time.sleep(_WATCH_S)
    stuck = sorted(place for place, end in _held_back(site).items() if before.get(place) == end)
    if stuck:
        yield Finding.warning(
            "transactions",
            f"open for over {_WATCH_S:.0f} s: " + ", ".join(f"{t}[{p}]" for t, p in stuck),
            f"a dead worker's ends after transaction_timeout_ms ({config.transaction_timeout_ms}"
            " ms); if it stays, `kafka-transactions.sh find-hanging` shows whose it is",
        )
    else:
        yield Finding.ok("transactions", "none hangs")


def _held_back(site: Site) -> dict[tuple[str, int], int]:
    """(topic, partition) -> the last stable offset, where it is below the end."""
    left_s = time_limit(site.config.client_timeout_s)
    held = held_back(site.admin, site.config.topics.outputs(), left_s)
    return {(place.topic, place.partition): stable for place, stable in held.items()}
