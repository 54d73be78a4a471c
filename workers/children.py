"""Processes that work for this one over a pipe, and end with it however it ends."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing import forkserver, get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

__all__ = ["Children"]

_END_WAIT_S: Final = 10.0


class Children:
    """One process for each tuple of arguments.

    Args:
        serve: the whole life of a process, called with its end of the pipe and its arguments.
        work: the arguments.

    Attributes:
        pipes: this process's ends.
        processes: in the same order.
    """

    def __init__(self, serve: Callable[..., None], work: Sequence[tuple[Any, ...]]) -> None:
        context = get_context("forkserver")
        # Imported once for all, which takes seconds. Nothing of it may start a thread or JAX's
        # backend: what is forked from the server would lack the thread and wait for it.
        context.set_forkserver_preload([serve.__module__])
        _start_server()
        self.pipes: list[Connection] = []
        self.processes: list[BaseProcess] = []
        for arguments in work:
            ours, theirs = context.Pipe()
            process = context.Process(target=_live, args=(serve, theirs, *arguments), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def exit_code(self, number: int) -> int:
        """Of a process that has ended or is about to; negative where a signal ended it."""
        self.processes[number].join(_END_WAIT_S)
        return self.processes[number].exitcode or 0

    def close(self) -> None:
        """End them all."""
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join(_END_WAIT_S)
            if process.is_alive():
                process.kill()
                process.join()


def _start_server() -> None:
    """Ctrl-C is this process's, which ends the others: they have it blocked from the first on.

    A terminal sends it to all of them, and an import that it interrupts would print a traceback.
    """
    resource_tracker.ensure_running()  # whoever starts that one is left with SIGINT let through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _live(serve: Callable[..., None], pipe: Connection, *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where the server was another's before
    threading.Thread(target=_end_with_parent, daemon=True).start()
    serve(pipe, *arguments)


def _end_with_parent() -> None:
    """Nobody would ever know of what is done after the parent was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
