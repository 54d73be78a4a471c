"""Processes that each work on a slice of a run: started, listened to, ended together.

They live and die with this process, and they say over a pipe how far they are. What they have
done is in their folders, so whoever is killed loses nothing that is not made again.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, Self

import jax

from core.errors import RetryableError, TickFleetError
from workers.replay.folder import read_run
from workers.replay.merge_tables import PlaceRange, merge_tables
from workers.replay.run import RunPlan, run_backtest

__all__ = ["ProcessDiedError", "SliceProcesses"]

_EXECUTABLES: Final = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
_SETTINGS: Final[Any] = jax.config  # typed as an object without its own settings
_END_WAIT_S: Final = 10.0


class ProcessDiedError(RetryableError):
    """A process of a run ended without a word."""


class SliceProcesses:
    """A context: one process a plan, all ended at its end.

    Args:
        plans: of the slices.
    """

    def __init__(self, plans: Sequence[RunPlan]) -> None:
        context = multiprocessing.get_context("spawn")
        settings = {name: getattr(_SETTINGS, name) for name in _EXECUTABLES}
        self._processes: list[BaseProcess] = []
        self._pipes: list[Connection] = []
        for plan in plans:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, plan, settings), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._pipes.append(ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(_END_WAIT_S)
            if process.is_alive():
                process.kill()
                process.join()

    def step(self, progress: Callable[[list[int], list[float]], None]) -> None:
        """Step every slice that is not finished yet.

        Args:
            progress: told the results and the share done of each slice.

        Raises:
            TickFleetError: what went wrong in one of them; the others have been stopped.
            ProcessDiedError: one was killed.
        """
        results, shares = [0] * len(self._pipes), [0.0] * len(self._pipes)

        def hear(number: int, said: tuple[int, float]) -> None:
            results[number], shares[number] = said
            progress(results, shares)

        for pipe in self._pipes:
            pipe.send(_step)
        self._listen(hear)

    def merge(self, slices: Sequence[Path], jobs: Sequence[tuple[Path, PlaceRange]]) -> None:
        """Merge the slices' tables, a range of places each process; there are no more ranges.

        Raises:
            ProcessDiedError: one was killed.
        """
        for pipe, (out, places) in zip(self._pipes, jobs, strict=False):
            pipe.send(_Merge(slices, out, places))
        self._listen(lambda _number, _said: None, among=len(jobs))

    def _listen(
        self, hear: Callable[[int, tuple[int, float]], None], *, among: int | None = None
    ) -> None:
        open_ = dict(zip(self._pipes[:among], range(len(self._pipes)), strict=False))
        while open_:
            for pipe in wait(list(open_)):
                assert isinstance(pipe, Connection)
                said = self._said(pipe, open_[pipe])
                if isinstance(said, TickFleetError):
                    raise said
                if said is None:
                    del open_[pipe]
                else:
                    hear(open_[pipe], said)

    def _said(self, pipe: Connection, number: int) -> Any:
        try:
            return pipe.recv()
        except (EOFError, OSError) as error:
            process = self._processes[number]
            process.join(_END_WAIT_S)
            code = process.exitcode or 0
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            raise ProcessDiedError(
                f"process {number + 1} of {len(self._processes)} {how} (by hand, or for memory?): "
                "what was done is kept, go on with --resume"
            ) from error


class _Merge:
    """The task of merging a range of places."""

    def __init__(self, slices: Sequence[Path], out: Path, places: PlaceRange) -> None:
        self._slices, self._out, self._places = slices, out, places

    def __call__(self, _plan: RunPlan, _pipe: Connection) -> None:
        merge_tables(self._slices, self._out, self._places)


def _step(plan: RunPlan, pipe: Connection) -> None:
    if plan.out.exists():
        pipe.send((read_run(plan.out)["counts"]["results"], 1.0))
    else:
        run_backtest(plan, resume=True, progress=lambda *done: pipe.send(done))


def _serve(pipe: Connection, plan: RunPlan, settings: dict[str, Any]) -> None:
    """The whole life of a process: do what comes over the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
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
    except (EOFError, OSError):
        return


def _end_with_parent() -> None:
    """A slice goes on to nobody's knowledge once the run that it is part of was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
