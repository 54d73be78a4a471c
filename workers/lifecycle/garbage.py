"""Python's cycle collector, kept out of the hot path.

A micro-batch makes thousands of messages and dicts that die by reference count when it is
published, yet their number alone makes the collector go through the whole heap several times a
batch.
"""

import gc
from typing import Final

__all__ = ["calm_collector"]

_YOUNG_OBJECTS: Final = 200_000
"""Net allocations before a collection: a few full micro-batches, a few dozen MB."""


def calm_collector() -> None:
    """Take everything alive out of the collector's sight, and let it look at new things rarely.

    Whatever an earlier call took out of it and has died since, as a worker's former life, is freed.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
