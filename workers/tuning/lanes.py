"""Where trials are evaluated: in this process, or in several others, fold by fold."""

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import parent_process
from typing import Any, Final, Protocol

from core import PredictorConfig, compile_step
from workers.tuning.errors import TuningError
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
        context = multiprocessing.get_context("spawn")
        self.count = count
        self._pipes: list[Connection] = []
        self._processes = []
        self._busy: set[int] = set()
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, task, prepare), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def begin(self, lane: int, config: PredictorConfig, folds: int) -> None:
        """Hand it over."""
        self._busy.add(lane)
        self._send(lane, (config, folds))

    def next(self) -> tuple[int, FoldScore | None]:
        """Blocks until a lane reports.

        Raises:
            TuningError: a process died.
        """
        ready: list[Any] = wait([self._pipes[lane] for lane in self._busy])
        lane = self._pipes.index(ready[0])
        try:
            found = self._pipes[lane].recv()
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
        for process, pipe in zip(self._processes, self._pipes, strict=True):
            process.terminate()
            process.join()
            pipe.close()

    def _send(self, lane: int, message: object) -> None:
        try:
            self._pipes[lane].send(message)
        except OSError:
            raise self._died(lane) from None

    def _died(self, lane: int) -> TuningError:
        process = self._processes[lane]
        process.join()
        return TuningError(
            f"a process of the search died (exit code {process.exitcode}), perhaps for want of "
            "memory: go on with --resume and fewer --processes"
        )


def _serve(pipe: Connection, task: Task, prepare: Callable[[], None]) -> None:
    """Trials as they come, until the other end closes."""
    prepare()
    parent = parent_process()

    def check(_ticks: int) -> None:
        # A parent killed with -9 closes nothing while a fold runs.
        if parent is not None and not parent.is_alive():
            raise SystemExit(1)

    try:
        while True:
            config, folds = pipe.recv()
            for score in fold_scores(task, config, folds, check):
                pipe.send(score)
                if not pipe.recv():
                    break
            else:
                pipe.send(None)
            _forget()
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
    except Exception as error:
        pipe.send(error)


def _forget() -> None:
    """Drop old executables: every configuration has its own, of 30 MB and more."""
    if compile_step.cache_info().currsize > _KEPT:
        compile_step.cache_clear()
