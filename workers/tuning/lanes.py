"""Where trials are evaluated: in this process, or in several others, fold by fold."""

from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Final, Protocol

from core import PredictorConfig, compile_run, compile_step, compile_trainer
from workers.children import Children
from workers.tuning.errors import SearchHaltedError
from workers.tuning.evaluate import FoldScore, Task, fold_scores

__all__ = ["Inline", "Lanes", "Processes"]

_KEPT: Final = 8


class Lanes(Protocol):
    """A number of lanes, each busy with one trial at a time."""

    @property
    def count(self) -> int:
        """How many there are."""

    def begin(self, lane: int, config: PredictorConfig, folds: int) -> None:
        """Evaluate a configuration on the first folds, in an idle lane."""

    def next(self) -> tuple[int, FoldScore | None]:
        """Wait for any busy lane's next fold; None: its trial has no more, the lane is idle."""

    def go_on(self, lane: int, *, further: bool) -> None:
        """After a fold: on to the next one, or give the trial up; then the lane is idle."""

    def close(self) -> None:
        """End everything under way."""


class Inline:
    """One lane, here."""

    count = 1

    def __init__(self, task: Task) -> None:
        self._task = task
        self._scores: Iterator[FoldScore] = iter(())

    def begin(self, lane: int, config: PredictorConfig, folds: int) -> None:  # noqa: ARG002
        """Nothing is done before `next`."""
        self._scores = fold_scores(self._task, config, folds)

    def next(self) -> tuple[int, FoldScore | None]:
        """Steps the ticks of one fold."""
        score = next(self._scores, None)
        if score is None:
            _forget()
        return 0, score

    def go_on(self, lane: int, *, further: bool) -> None:  # noqa: ARG002
        """Lets go of the trial, or leaves it where it is."""
        if not further:
            self._scores = iter(())
            _forget()

    def close(self) -> None:
        """Nothing runs between calls."""


class Processes:
    """Lanes that are processes of their own; they end with this one, however it ends.

    Args:
        task: what they evaluate on.
        count: how many.
        prepare: called first in each of them.
    """

    def __init__(self, task: Task, count: int, prepare: Callable[[], None]) -> None:
        self.count = count
        self._children = Children(_serve, [(task, prepare)] * count)
        self._busy: set[int] = set()

    def begin(self, lane: int, config: PredictorConfig, folds: int) -> None:
        """Hand it over."""
        self._busy.add(lane)
        self._send(lane, (config, folds))

    def next(self) -> tuple[int, FoldScore | None]:
        """Blocks until a lane reports.

        Raises:
            SearchHaltedError: a process died.
        """
        pipes = self._children.pipes
        ready: list[Any] = wait([pipes[lane] for lane in self._busy])
        lane = pipes.index(ready[0])
        try:
            found = pipes[lane].recv()
        except (EOFError, OSError):
            raise self._died(lane) from None
        if isinstance(found, Exception):
            raise found
        if found is None:
            self._busy.discard(lane)
        return lane, found

    def go_on(self, lane: int, *, further: bool) -> None:
        """Answers the process, which waits."""
        if not further:
            self._busy.discard(lane)
        self._send(lane, further)

    def close(self) -> None:
        """End the processes."""
        self._children.close()

    def _send(self, lane: int, message: object) -> None:
        try:
            self._children.pipes[lane].send(message)
        except OSError:
            raise self._died(lane) from None

    def _died(self, lane: int) -> SearchHaltedError:
        code = self._children.exit_code(lane)
        return SearchHaltedError(
            f"a process of the search died (exit code {code}), perhaps for want of memory: go on "
            "with --resume and fewer --processes"
        )


def _serve(pipe: Connection, task: Task, prepare: Callable[[], None]) -> None:
    """Trials as they come, until the other end closes."""
    prepare()
    try:
        while True:
            config, folds = pipe.recv()
            for score in fold_scores(task, config, folds):
                pipe.send(score)
                if not pipe.recv():
                    break
            else:
                pipe.send(None)
            _forget()
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:
        pipe.send(error)


def _forget() -> None:
    """Drop old executables: every configuration has its own, of 30 MB and more."""
    for programs in (compile_step, compile_trainer, compile_run):
        if programs.cache_info().currsize > _KEPT:
            programs.cache_clear()
