"""Puts the in-memory clients in the places of the real ones, for the length of a simulation."""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Literal, TypeVar
from unittest.mock import patch

import structlog

from core import PredictorConfig
from snapshots import SnapshotHeader, current_header
from tests.sim.clients import SimAdmin, SimConsumer, SimProducer, World
from tests.sim.table import STATE_ROWS, SimTable

__all__ = ["InlineExecutor", "simulated"]

_T = TypeVar("_T")


class InlineExecutor:
    """Runs a job when it is submitted: the scheduler, not the machine, decides what overlaps."""

    def __init__(self, *_threads: object, **_names: object) -> None:
        """As ThreadPoolExecutor."""

    def submit(self, run: Callable[..., _T], *arguments: object) -> "Future[_T]":
        future: Future[_T] = Future()
        try:
            future.set_result(run(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(self, run: Callable[..., _T], items: Iterable[object]) -> Iterator[_T]:
        return iter([run(item) for item in items])

    def shutdown(self, *, wait: bool = True, cancel_futures: bool = False) -> None:
        """Nothing runs."""


class _NoGuard:
    """Nothing hangs in a simulation that its own time limit does not catch."""

    def __init__(self, _stuck_after_s: float) -> None:
        """As StuckGuard."""

    def renew(self) -> None:
        """Nothing to renew."""

    def extend(self, _by_s: float) -> None:
        """Nothing to extend."""


class _NoWatch:
    """The in-memory group leaves no partition without an owner."""

    def __init__(self, *_parts: object) -> None:
        """As OwnershipWatch."""

    def begin(self) -> None:
        """Nothing to watch."""

    def close(self) -> None:
        """Nothing to end."""


def _small_header(config: PredictorConfig, dtype: Literal["float64", "float32"]) -> SnapshotHeader:
    return replace(current_header(config, dtype), blocks={"global": (0, STATE_ROWS)})


@contextmanager
def simulated(world: World, monotonic_s: Callable[[], float]) -> Iterator[None]:
    """Workers assembled in here live in the world."""
    clock = SimpleNamespace(monotonic=monotonic_s)
    replacements: dict[str, Any] = {
        "workers.group.membership.Consumer": lambda settings: SimConsumer(world, settings),
        "workers.recovery.planner.Consumer": lambda settings: SimConsumer(world, settings),
        "workers.delivery.outputs.AdminClient": lambda settings: SimAdmin(world, settings),
        "workers.journal.reader.AdminClient": lambda settings: SimAdmin(world, settings),
        "workers.brokers.topic_identity.AdminClient": lambda settings: SimAdmin(world, settings),
        "workers.brokers.topic_identity.time": SimpleNamespace(
            sleep=lambda _seconds: world.scheduler.call("sleep")
        ),
        "workers.delivery.outputs.Producer": lambda settings: SimProducer(world, settings),
        "workers.assembly.StateTable": SimTable,
        "workers.assembly.current_header": _small_header,
        "workers.assembly.OwnershipWatch": _NoWatch,
        "workers.assembly.StuckGuard": _NoGuard,
        "workers.journal.reader.time": clock,
        "workers.delivery.outputs.time": clock,
    }
    replacements["workers.delivery.outputs.run_in_background"] = InlineExecutor().submit
    for module in ("snapshots.io_threads", "snapshots.writer", "snapshots.load"):
        replacements[f"{module}.ThreadPoolExecutor"] = InlineExecutor
    before = structlog.get_config()
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    with ExitStack() as stack:
        stack.callback(lambda: structlog.configure(**before))
        structlog.configure(wrapper_class=silent)
        for target, replacement in replacements.items():
            stack.enter_context(patch(target, replacement))
        yield
