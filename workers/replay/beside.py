"""Work done on a thread beside the caller, one thing after the other."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Self

__all__ = ["Beside", "await_end"]


class Beside:
    """A context: does what it is given in that order, while the caller goes on.

    One thing is under way at most, so that no more is held in memory than that; whoever gives the
    next one waits. What fails is raised where the caller waits next, and nothing is done after it.
    At the end of the context nothing is under way any more.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._doing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        await_end(self._thread)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self._doing is None or self._doing.done()

    def do(self, act: Callable[[], None]) -> None:
        """Begin this, once what was given before is done.

        Raises:
            BaseException: what that raised; this is not begun.
        """
        self.wait()
        self._doing = self._thread.submit(act)

    def wait(self) -> None:
        """Until everything is done.

        Raises:
            BaseException: what was raised by it.
        """
        if self._doing is not None:
            self._doing.result()


def await_end(thread: ThreadPoolExecutor) -> None:
    """Until nothing is under way, however often Ctrl-C is pressed: what it works on goes next.

    Raises:
        KeyboardInterrupt: it was.
    """
    last = thread.submit(lambda: None)
    try:
        # Not `shutdown` alone: a thread whose `join` was interrupted counts as ended.
        wait([last])
    except KeyboardInterrupt:
        await_end(thread)
        raise
    thread.shutdown()
