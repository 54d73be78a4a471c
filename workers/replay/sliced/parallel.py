"""A backtest over several processes: the same run, cut into slices and merged again.

The slices are runs of their own in `OUT.partial/slices`, each with its checkpoints. When all are
finished their tables are merged into the order that one process gives, and their states joined.
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
from workers.replay.output.checkpoint import StateKeeper
from workers.replay.output.folder import RunFolder, finished, read_run
from workers.replay.output.parts import ArrowParts
from workers.replay.output.run_tables import SCHEMAS, complete_tables
from workers.replay.run import RunPlan, run_backtest, run_facts
from workers.replay.sliced.merge_tables import place_ranges
from workers.replay.sliced.processes import SliceProcesses
from workers.replay.sliced.slices import slice_plans
from workers.replay.to_topic.run_group import RunGroup

__all__ = ["run_in_processes"]

_STEPPING_SHARE: Final = 0.9
"""Of the way; the rest is merging."""


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
    identity |= {"processes": len(slices), "slices": ArrowParts.suffix}
    with RunFolder(plan.out, identity, resume=resume) as folder:
        folder.save_checkpoint({"processes": len(slices)})
        if (whole := folder.finished) is None:
            whole = _run(plan, slices, folder, progress)
            folder.write_run(whole)
        shutil.rmtree(folder.path / "slices", ignore_errors=True)
        shutil.rmtree(folder.path / "ranges", ignore_errors=True)
        folder.finish(whole)
    return whole


def _run(
    plan: RunPlan,
    slices: Sequence[RunPlan],
    folder: RunFolder,
    progress: Callable[[int, float], None],
) -> dict[str, Any]:
    begun_s = time.monotonic()
    placed = [
        replace(one, out=folder.path / "slices" / str(number)) for number, one in enumerate(slices)
    ]
    fresh = [not one.out.exists() for one in placed]

    def tell(results: list[int], shares: list[float]) -> None:
        progress(sum(results), _STEPPING_SHARE * sum(shares) / len(shares))

    if plan.publish is not None and any(fresh):
        RunGroup(plan.publish, folder.token, done=0).close()  # the run id is taken
    with SliceProcesses(placed) as working:
        working.step(tell)
        outs = [one.out for one in placed]
        _merge(working, outs, folder.path)
    runs = [read_run(out) for out in outs]
    snapshots = _join_states(plan, placed, runs, folder.path / "snapshots")
    counts, seconds = Counts.total(_counted(run) for run in runs), time.monotonic() - begun_s
    made = sum(
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
        "results_per_second": round(made / max(seconds, 1e-9)),
    }


def _counted(run: dict[str, Any]) -> dict[str, Any]:
    return {name: count for name, count in run["counts"].items() if name != "assets"}


def _merge(working: SliceProcesses, slices: Sequence[Path], out: Path) -> None:
    """Merge range by range, then put the parts of all ranges in one row."""
    ranges = place_ranges(slices, len(slices))
    jobs = [(out / "ranges" / str(number), places) for number, places in enumerate(ranges)]
    working.merge(slices, jobs)
    for name in SCHEMAS:
        parts = [part for folder, _ in jobs for part in sorted((folder / name).glob("*.parquet"))]
        shutil.rmtree(out / name, ignore_errors=True)
        for number, part in enumerate(parts):
            (out / name).mkdir(exist_ok=True)
            part.rename(out / name / f"part-{number:05d}.parquet")
    complete_tables(out)


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
