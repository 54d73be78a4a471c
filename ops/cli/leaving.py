"""How a process leaves at a signal where Python's usual ways fail.

These are: SIGTERM ends the process, SIGINT is a `KeyboardInterrupt`, which the command group makes
an exit code. They fail while a command is imported, for the first process of a container, for
work that must not be left in its middle, and where nothing may be raised.
"""

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

__all__ = ["heed_sigterm", "interrupt_noted", "interrupted_at_once", "no_interrupt_lost"]

_SOON_S: Final = 0.01


def heed_sigterm() -> None:
    """Let SIGTERM end the first process of a container too.

    The kernel has no default action for that one: without a handler it would never hear of it. A
    worker replaces this by its orderly stop.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _leave)


@contextmanager
def no_interrupt_lost() -> Iterator[None]:
    """Within, a SIGINT that comes where Python drops exceptions comes again a moment later.

    Such a place is JAX's callback of the garbage collector, which is often run.
    """
    before, interrupted = sys.unraisablehook, threading.main_thread().ident or 0

    def hear(lost: "UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            # Once more from here it would be dropped as well. `threading` takes locks, which this
            # thread may hold.
            _thread.start_new_thread(_interrupt_soon, (interrupted,))
        else:
            before(lost)

    sys.unraisablehook = hear
    try:
        yield
    finally:
        sys.unraisablehook = before


def _interrupt_soon(thread: int) -> None:
    time.sleep(_SOON_S)
    # A signal, which ends a call that waits: `interrupt_main` is only seen behind it.
    signal.pthread_kill(thread, signal.SIGINT)


@contextmanager
def interrupted_at_once() -> Iterator[None]:
    """Within, SIGINT ends the process instead of raising.

    For imports: an exception in the middle of an extension's initialisation is swallowed there,
    or comes out as an ImportError. Where SIGINT is ignored or in other hands it stays so.
    """
    with _sigint_handled_by(_leave):
        yield


@contextmanager
def interrupt_noted() -> Iterator[Callable[[], bool]]:
    """Within, a first SIGINT is only noted, and told by what this hands out; a second raises."""
    noted = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        noted.set()

    with _sigint_handled_by(note):
        yield noted.is_set


@contextmanager
def _sigint_handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    ours = before is signal.default_int_handler
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)
