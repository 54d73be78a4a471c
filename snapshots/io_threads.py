"""Threads for calls that may block, which can tell whether one of them still does."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["IoThreads"]

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")


class IoThreads:
    """A pool whose owner need not keep every Future to know what is under way.

    Args:
        count: calls at once.
        name: of the threads, in stacks and logs.
    """

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._open: set[Future[Any]] = set()

    def submit(
        self,
        call: Callable[_Arguments, _Answer],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> "Future[_Answer]":
        """Make a call on one of the threads."""
        future = self._pool.submit(call, *args, **kwargs)
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        return future

    @property
    def idle(self) -> bool:
        """Whether no call is under way, for which the interpreter would wait at its end."""
        return all(future.done() for future in tuple(self._open))

    def close(self) -> bool:
        """Take no more calls and drop those that wait; never blocks. Returns `idle`."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        return self.idle
