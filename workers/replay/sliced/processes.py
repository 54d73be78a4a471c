"""Processes that each work on a slice of a run: started, listened to, ended together.

They say over a pipe how far they are. What they have done is in their folders, so whoever is
killed loses nothing that is not made again.
"""

from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, Self

import jax

from core import ExecutableStore, keep_in, kept_in
from core.errors import RetryableError, TickFleetError
from workers.children import Children
from workers.replay.output.folder import read_run
from workers.replay.output.room import no_room
from workers.replay.output.run_tables import open_tables
from workers.replay.run import RunPlan, run_backtest
from workers.replay.sliced.merge_tables import merge_tables
from workers.replay.sliced.slice_tables import PlaceRange

__all__ = ["ProcessDiedError", "SliceProcesses"]

_EXECUTABLES: Final = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
_SETTINGS: Final[Any] = jax.config  # typed as an object without its own settings


class ProcessDiedError(RetryableError):
    """A process of a run ended without a word."""


class SliceProcesses:
    """A context: one process a plan, all ended at its end.

    Args:
        plans: of the slices.
    """

    def __init__(self, plans: Sequence[RunPlan]) -> None:
        settings = {name: getattr(_SETTINGS, name) for name in _EXECUTABLES}
        self._children = Children(_serve, [(plan, settings, kept_in()) for plan in plans])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._children.close()

    def step(self, progress: Callable[[list[int], list[float]], None]) -> None:
        """Step every slice that is not finished yet.

        Args:
            progress: told the results and the share done of each slice.

        Raises:
            TickFleetError: what went wrong in one of them; the others have been stopped.
            ProcessDiedError: one was killed.
        """
        pipes = self._children.pipes
        results, shares = [0] * len(pipes), [0.0] * len(pipes)

        def hear(number: int, said: tuple[int, float]) -> None:
            results[number], shares[number] = said
            progress(results, shares)

        for number in range(len(pipes)):
            self._tell(number, _step)
        self._listen(hear, among=len(pipes))

    def merge(self, slices: Sequence[Path], jobs: Sequence[tuple[Path, PlaceRange]]) -> None:
        """Merge the slices' tables, range by range of places, each into a folder of its own.

        Raises:
            ProcessDiedError: one was killed.
            NoRoomError: the disk takes no more.
        """
        among = min(len(jobs), len(self._children.pipes))
        for number in range(among):
            self._tell(number, _Merge(slices, jobs[number::among]))
        self._listen(lambda _number, _said: None, among=among)

    def _tell(self, number: int, task: Callable[[RunPlan, Connection], None]) -> None:
        try:
            self._children.pipes[number].send(task)
        except OSError as error:
            raise self._died(number) from error

    def _listen(self, hear: Callable[[int, tuple[int, float]], None], *, among: int) -> None:
        """Until the first so many have done their task; whoever is idle may die as well."""
        numbers = {pipe: number for number, pipe in enumerate(self._children.pipes)}
        working = set(range(among))
        while working:
            for pipe in wait(list(numbers)):
                assert isinstance(pipe, Connection)
                number = numbers[pipe]
                said = self._said(pipe, number)
                if isinstance(said, TickFleetError):
                    raise said
                if said is None:
                    working.discard(number)
                else:
                    hear(number, said)

    def _said(self, pipe: Connection, number: int) -> Any:
        try:
            return pipe.recv()
        except (EOFError, OSError) as error:
            raise self._died(number) from error

    def _died(self, number: int) -> ProcessDiedError:
        code = self._children.exit_code(number)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return ProcessDiedError(
            f"process {number + 1} of {len(self._children.pipes)} {how} (by hand, or for "
            "memory?): what was done is kept, go on with --resume"
        )


class _Merge:
    """The task of merging ranges of places."""

    def __init__(self, slices: Sequence[Path], jobs: Sequence[tuple[Path, PlaceRange]]) -> None:
        self._slices, self._jobs = slices, jobs

    def __call__(self, _plan: RunPlan, _pipe: Connection) -> None:
        for out, places in self._jobs:
            try:
                merge_tables(self._slices, open_tables(out, {}), places)
            except OSError as error:
                if told := no_room(out, error, "go on with --resume"):
                    raise told from error
                raise


def _step(plan: RunPlan, pipe: Connection) -> None:
    if not plan.out.exists():
        run_backtest(plan, resume=True, progress=lambda *done: pipe.send(done))
    # Also of one that has no ticks, and so far has told nothing.
    pipe.send((read_run(plan.out)["counts"]["results"], 1.0))


def _serve(
    pipe: Connection, plan: RunPlan, settings: dict[str, Any], executables: ExecutableStore | None
) -> None:
    """The whole life of a process: do what comes over the pipe, until it is closed."""
    keep_in(executables)
    for name, value in settings.items():
        _SETTINGS.update(name, value)
    try:
        while True:
            task = pipe.recv()
            try:
                task(plan, pipe)
            except TickFleetError as error:
                pipe.send(error)
            else:
                pipe.send(None)
    except (EOFError, ConnectionError):
        return
