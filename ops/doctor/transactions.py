"""Transactions that stay open."""

import time
from collections.abc import Iterator
from typing import Final

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.fleet import ends

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
    names, timeout_s = site.config.topics, site.config.client_timeout_s
    found: dict[tuple[str, int], int] = {}
    for topic in (names.predictions, names.journal):
        stable = ends(site.admin, topic, site.partitions, timeout_s, committed=True)
        end = ends(site.admin, topic, site.partitions, timeout_s)
        found |= {(topic, n): stable[n] for n in site.partitions if stable[n] < end[n]}
    return found
