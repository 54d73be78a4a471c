"""Runs workers one at a time, and decides at each of their client calls who goes on.

Every worker is a greenlet: it runs until its next client call, so a seed fixes the whole
interleaving. A killed worker unwinds at its next call, and whatever it calls on the way out does
nothing.
"""

from collections.abc import Callable

from greenlet import getcurrent, greenlet

__all__ = ["Scheduler", "SimKilled", "Task"]


class SimKilled(BaseException):
    """What kill -9 is here; no worker code catches it."""


class Task:
    """One worker's flow of control.

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
        self.flow = greenlet(lambda: self._main(run))

    @property
    def killed(self) -> bool:
        """Whether it is on its way out."""
        return self._killed

    def go_on(self) -> None:
        """Let it run to its next client call, or to its end."""
        self.flow.switch()

    def kill(self) -> None:
        """End it where it stands."""
        self._killed = True
        while not self.dead:
            self.go_on()

    def pause_point(self) -> None:
        """Called by its own flow: hand control back, and wait for it."""
        if not self._killed:
            assert self.flow.parent is not None
            self.flow.parent.switch()
        if self._killed:
            raise SimKilled

    def _main(self, run: Callable[[], None]) -> None:
        try:
            if not self._killed:
                run()
        except SimKilled:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self.dead = True


class Scheduler:
    """The tasks, and which of them is running."""

    def __init__(self) -> None:
        self._of_flow: dict[greenlet, Task] = {}

    def spawn(self, name: str, run: Callable[[], None]) -> Task:
        """A new task; it starts when it is first let go on."""
        task = Task(name, run)
        self._of_flow[task.flow] = task
        return task

    def call(self, name: str) -> None:
        """A client call is about to happen: others may go first, or this is where it is killed."""
        task = self._of_flow.get(getcurrent())
        if task is not None:
            task.at = name
            task.pause_point()
