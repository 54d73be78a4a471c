"""Runs workers one at a time, and decides at each of their client calls who goes on.

Every worker has a thread, but only the one that holds the baton runs: a seed fixes the whole
interleaving. A killed worker's thread unwinds at its next call, and whatever it calls on the way
out does nothing.
"""

import threading
from collections.abc import Callable

__all__ = ["Scheduler", "SimKilled", "Task"]


class SimKilled(BaseException):
    """What kill -9 is here; no worker code catches it."""


class Task:
    """One worker's thread.

    Attributes:
        name: whose it is.
        dead: it was killed or has ended.
        paused_until_s: it stands still until then, as after SIGSTOP.
        at: the client call it is about to make.
        error: what ended it, if it was not killed.
    """

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self.name = name
        self.dead = False
        self.paused_until_s = 0.0
        self.at = ""
        self.error: BaseException | None = None
        self._killed = False
        # Locks held from the start: released by one thread, acquired by the other. A semaphore
        # would do the same in five times as many steps.
        self._baton, self._back = threading.Lock(), threading.Lock()
        self._baton.acquire()
        self._back.acquire()
        self._thread = threading.Thread(target=self._main, args=(run,), daemon=True)
        self._thread.start()

    @property
    def killed(self) -> bool:
        """Whether it is on its way out."""
        return self._killed

    def go_on(self) -> None:
        """Let it run to its next client call, or to its end."""
        self._baton.release()
        self._back.acquire()

    def kill(self) -> None:
        """End it where it stands."""
        self._killed = True
        while not self.dead:
            self.go_on()

    def pause_point(self) -> None:
        """Called on its own thread: hand the baton back, and wait for it."""
        if self._killed:
            raise SimKilled
        self._back.release()
        self._baton.acquire()
        if self._killed:
            raise SimKilled

    def _main(self, run: Callable[[], None]) -> None:
        self._baton.acquire()
        try:
            if not self._killed:
                run()
        except SimKilled:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.dead = True
            self._back.release()


class Scheduler:
    """The tasks, and which of them the calling thread is."""

    def __init__(self) -> None:
        self._of_thread: dict[int, Task] = {}

    def spawn(self, name: str, run: Callable[[], None]) -> Task:
        """A new task; it starts when it is first let go on."""

        def started() -> None:
            self._of_thread[threading.get_ident()] = task
            run()

        task = Task(name, started)
        return task

    def call(self, name: str) -> None:
        """A client call is about to happen: others may go first, or this is where it is killed."""
        task = self._of_thread.get(threading.get_ident())
        if task is not None:
            task.at = name
            task.pause_point()
