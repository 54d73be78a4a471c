"""A backtest over several processes: the same run, cut into slices and merged again.

The slices are runs of their own in `OUT.partial/slices`, each with its checkpoints, but for their
tables in `OUT.partial/rows`, which are merged into the order that one process gives. When all are
finished their states are joined.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from snapshots import PartitionImage
from workers.replay.counts import Counts
from workers.replay.errors import ReplayError
from workers.replay.output.checkpoint import StateKeeper
from workers.replay.output.folder import RunFolder, finished, read_run
from workers.replay.output.run_tables import SCHEMAS, table_rows
from workers.replay.run import RunPlan, run_backtest, run_facts
from workers.replay.sliced.processes import SliceProcesses
from workers.replay.sliced.slice_tables import Slice
from workers.replay.sliced.slices import slice_plans
from workers.replay.sliced.whole_tables import WholeTables
from workers.replay.to_topic.run_group import RunGroup

__all__ = ["run_in_processes"]

_STEPPING_SHARE: Final = 0.9
"""Of the way; the rest is merging."""
_LAYOUT: Final = 2
"""Of what lies in `OUT.partial`; raised where another version could not go on with it."""
_SCAFFOLDING: Final = ("slices", "rows", "ranges")


def run_in_processes(
    plan: RunPlan,
    processes: int,
    *,
    resume: bool = False,
    progress: Callable[[int, float], None] = lambda _results, _share: None,
) -> dict[str, Any]:
    """Run it in up to so many processes; otherwise as `run_backtest`.

    A topic is cut by partitions, so it takes no more processes than it has partitions; a file by
    assets. A script that calls this needs the usual `if __name__ == "__main__":`.

    Raises:
        ProcessDiedError: one of them was killed; going on with `resume` is possible.
        TakenRunIdError: under its run id another run publishes.
        BadTicksError, ReplayError, RetryableError: as `run_backtest`.
    """
    identity = plan.identity()
    if resume and (whole := finished(plan.out, identity)) is not None:
        return whole
    slices = slice_plans(plan, processes)
    if len(slices) == 1:
        return run_backtest(plan, resume=resume, progress=progress)
    identity |= {"processes": len(slices), "version_of_files": _LAYOUT}
    with RunFolder(plan.out, identity, resume=resume) as folder:
        if folder.checkpoint is None:
            folder.save_checkpoint({"processes": len(slices)})
        if (whole := folder.finished) is None:
            whole = _run(plan, slices, folder, progress)
            folder.write_run(whole)
        for name in _SCAFFOLDING:
            shutil.rmtree(folder.path / name, ignore_errors=True)
        folder.finish(whole)
    return whole


def _run(
    plan: RunPlan,
    slices: Sequence[RunPlan],
    folder: RunFolder,
    progress: Callable[[int, float], None],
) -> dict[str, Any]:
    begun_s = time.monotonic()
    made = [
        Slice(folder.path / "rows" / str(number), folder.path / "slices" / str(number))
        for number in range(len(slices))
    ]
    placed = [
        replace(plan, out=one.run, rows=one.tables) for plan, one in zip(slices, made, strict=True)
    ]
    fresh = [not one.out.exists() for one in placed]

    if plan.publish is not None and any(fresh):
        RunGroup(plan.publish, folder.token, done=0).close()  # the run id is taken
    with SliceProcesses(placed) as working, WholeTables(made, folder) as tables:

        def tell(results: list[int], shares: list[float]) -> None:
            progress(sum(results), _STEPPING_SHARE * sum(shares) / len(shares))
            if all(shares):  # whoever goes on has removed what it makes again
                tables.advance()

        working.step(tell)
        tables.finish(working)
    runs = [read_run(one.out) for one in placed]
    counts = Counts.total(_counted(run) for run in runs)
    _check_rows(folder.path, counts)
    snapshots = _join_states(plan, placed, runs, folder.path / "snapshots")
    seconds = time.monotonic() - begun_s
    results = sum(
        run["results_per_second"] * run["seconds"]
        for run, new in zip(runs, fresh, strict=True)
        if new
    )
    progress(counts.results, 1.0)
    return {
        **run_facts(plan),
        "processes": len(slices),
        "counts": asdict(counts) | {"assets": sum(run["counts"]["assets"] for run in runs)},
        "warnings": list(dict.fromkeys(text for run in runs for text in run["warnings"])),
        "snapshots": snapshots,
        "verification": None
        if plan.watch is None
        else plan.watch.total([run["verification"] for run in runs]),
        "seconds": round(seconds, 3),
        "results_per_second": round(results / max(seconds, 1e-9)),
    }


def _check_rows(folder: Path, counts: Counts) -> None:
    made = {name: getattr(counts, name) for name in SCHEMAS}
    if (merged := table_rows(folder)) != made:
        raise ReplayError(
            f"{folder}: its tables have {merged} rows, its processes made {made}: something has "
            "changed its files; remove it, and run it again"
        )


def _counted(run: dict[str, Any]) -> dict[str, Any]:
    return {name: count for name, count in run["counts"].items() if name != "assets"}


def _join_states(
    plan: RunPlan, slices: Sequence[RunPlan], runs: Sequence[dict[str, Any]], folder: Path
) -> dict[str, Any]:
    """The states at the end of all slices, as the whole run's snapshots."""
    found: dict[int, list[PartitionImage]] = {}
    for one, run in zip(slices, runs, strict=True):
        with closing(_keeper(plan, one.out / "snapshots")) as keeper:
            for number, image in keeper.load(run["snapshots"]).items():
                found.setdefault(number, []).append(image)
    with closing(_keeper(plan, folder)) as keeper:
        return keeper.save({number: _joined(images) for number, images in sorted(found.items())})


def _keeper(plan: RunPlan, folder: Path) -> StateKeeper:
    return StateKeeper(folder, plan.source.name, plan.config, plan.dtype)


def _joined(images: Sequence[PartitionImage]) -> PartitionImage:
    if len(images) == 1:
        return images[0]
    return PartitionImage(
        offset=max(image.offset for image in images),
        journal_position=0,
        asset_ids=tuple(asset for image in images for asset in image.asset_ids),
        rows=np.concatenate([image.rows for image in images]),
        last_timestamp_ns=np.concatenate([image.last_timestamp_ns for image in images]),
        sequence=np.concatenate([image.sequence for image in images]),
        dirty=np.ones(sum(len(image.asset_ids) for image in images), dtype=bool),
    )
