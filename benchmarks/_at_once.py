"""Runs at once, one a core, that share nothing: what a machine's cores give together."""

import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection

from ops.compile_cache import keep_executables
from ops.logs import configure_logging
from workers.replay import RunPlan, run_backtest

__all__ = ["seconds_at_once"]


def seconds_at_once(plans: Sequence[RunPlan], cores: Sequence[int]) -> float:
    """How long these take together, begun together once every process is warm."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for plan, core in zip(plans, cores, strict=True):
        ours, theirs = context.Pipe()
        process = context.Process(target=_run, args=(plan, core, theirs))
        process.start()
        pipes.append(ours)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()
    begun_s = time.perf_counter()
    for pipe in pipes:
        pipe.send(None)
    for pipe in pipes:
        pipe.recv()
    seconds = time.perf_counter() - begun_s
    for process in processes:
        process.join()
    return seconds


def _run(plan: RunPlan, core: int, pipe: Connection) -> None:
    os.sched_setaffinity(0, {core})
    configure_logging("ERROR")
    keep_executables()
    run_backtest(replace(plan, out=plan.out.with_name(f"{plan.out.name}-warm")))
    pipe.send(None)
    pipe.recv()
    run_backtest(plan)
    pipe.send(None)
