"""Runs at once, one a core, that share nothing: what a machine's cores give together."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection

from ops.compile_cache import keep_executables
from ops.logs import configure_logging
from workers.children import Children
from workers.replay import RunPlan, run_backtest

__all__ = ["seconds_at_once"]


def seconds_at_once(plans: Sequence[RunPlan], cores: Sequence[int]) -> float:
    """How long these take together, begun together once every process is warm."""
    children = Children(_run, list(zip(plans, cores, strict=True)))
    try:
        _hear_all(children)
        begun_s = time.perf_counter()
        for pipe in children.pipes:
            pipe.send(None)
        _hear_all(children)
        return time.perf_counter() - begun_s
    finally:
        children.close()


def _hear_all(children: Children) -> None:
    for pipe in children.pipes:
        pipe.recv()


def _run(pipe: Connection, plan: RunPlan, core: int) -> None:
    os.sched_setaffinity(0, {core})
    configure_logging("ERROR")
    keep_executables()
    run_backtest(replace(plan, out=plan.out.with_name(f"{plan.out.name}-warm")))
    pipe.send(None)
    pipe.recv()
    run_backtest(plan)
    pipe.send(None)
