"""The snapshot store: one object written, read, listed and deleted, and its clock."""

import time
import uuid
from collections.abc import Iterator

from core.errors import TickFleetError
from ops.doctor.finding import Finding
from ops.doctor.site import Site
from snapshots import open_store

__all__ = ["check_store"]

_PREFIX = "doctor-probe"
# S3 tells times in whole seconds.
_SKEW_ALLOWED_S = 5.0
# Garbage collection spares what is younger than an hour: half of it must be left.
_SKEW_DANGEROUS_S = 1_800.0


def check_store(site: Site) -> Iterator[Finding]:
    """Everything a worker does with it, with an object of our own."""
    config = site.config
    key = f"{_PREFIX}/{uuid.uuid4().hex}"
    data = b"written by tickfleet doctor; safe to delete"
    try:
        store = open_store(config.snapshot_url, config.store_options)
    except TickFleetError as error:
        remedy = "do what this says, or set snapshot_url to a store that this machine can open"
        yield Finding.failed("store", f"cannot open: {error}", remedy)
        return
    step = "write"
    try:
        store.put(key, data)
        written_s = time.time()
        step = "read"
        same = store.get(key) == data
        step = "list"
        [entry] = store.entries(key)
        step = "delete"
        store.delete(key)
    except TickFleetError as error:
        remedy = "workers need get, put, list and delete; credentials come from the environment"
        yield Finding.failed("store", f"cannot {step}: {error}", remedy)
        return
    if not same:
        remedy = "use another store: this one does not return what was written"
        yield Finding.failed("store", f"{config.snapshot_url} altered an object", remedy)
        return
    site.store = store
    yield Finding.ok("store", f"{config.snapshot_url} may be written, read, listed and deleted")
    yield from _check_clock(entry.modified_s - written_s)


def _check_clock(skew_s: float) -> Iterator[Finding]:
    message = f"the store's clock is {skew_s:+.1f} s from this machine's"
    if abs(skew_s) > _SKEW_DANGEROUS_S:
        remedy = "set the clocks right before a worker starts: garbage is told by its age"
        yield Finding.failed("clock", message, remedy)
    elif abs(skew_s) > _SKEW_ALLOWED_S:
        remedy = "run NTP on both: staleness of ticks and the age of garbage are told by clocks"
        yield Finding.warning("clock", message, remedy)
    else:
        yield Finding.ok("clock", f"within {_SKEW_ALLOWED_S:.0f} s of the store's")
