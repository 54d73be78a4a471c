"""How a process leaves at a signal while no command has a say in it.

Commands keep Python's usual ways: SIGTERM ends the process, SIGINT is a `KeyboardInterrupt`. Here
is where those two fail.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["heed_sigterm", "interrupted_at_once"]


def heed_sigterm() -> None:
    """Let SIGTERM end the first process of a container too.

    The kernel has no default action for that one: without a handler it would never hear of it. A
    worker replaces this by its orderly stop.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _leave)


@contextmanager
def interrupted_at_once() -> Iterator[None]:
    """Within, SIGINT ends the process instead of raising.

    For imports: an exception in the middle of an extension's initialisation is swallowed there,
    or comes out as an ImportError. Where SIGINT is ignored or in other hands it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    ours = before is signal.default_int_handler
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)
