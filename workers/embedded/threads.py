"""Threads for work beside the steps that are there in a forked process, too.

A fork, with which `multiprocessing` begins processes on Linux, copies what is held but no threads:
what was given to one before would never be done, and an executor that had idle ones waits for them.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakSet

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")

_FORK_WAITS_S: Final = 5.0
"""For work under way, at most: a store that hangs does not keep the process from forking."""


class Threads(Executor):
    """A `ThreadPoolExecutor` whose work is done before a fork, and that is new behind it.

    Args:
        count: of threads.
        name: prefix of their names.

    Attributes:
        process: stands for this process; another one after a fork.
    """

    def __init__(self, count: int, name: str) -> None:
        self._pool = functools.partial(ThreadPoolExecutor, count, thread_name_prefix=name)
        self.begin()
        _all.add(self)

    def begin(self) -> None:
        """With new threads, and nothing to do."""
        self.process = object()
        self._executor = self._pool()
        self._pending: set[Future[Any]] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = self._executor.submit(fn, *args, **kwargs)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def holds(self, future: Future[Any]) -> bool:
        """Whether it is still to be done, by this process."""
        return future in self._pending

    def finish(self, timeout_s: float) -> int:
        """Wait for what is under way, at most so long; how much is not done by then."""
        return len(wait(list(self._pending), timeout=timeout_s).not_done)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait, cancel_futures=cancel_futures)


_all: WeakSet[Threads] = WeakSet()


def _before_fork() -> None:
    for threads in list(_all):
        threads.finish(_FORK_WAITS_S)


def _in_the_child() -> None:
    for threads in list(_all):
        threads.begin()


os.register_at_fork(before=_before_fork, after_in_child=_in_the_child)
