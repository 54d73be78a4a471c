"""What `--from-snapshot REF` means: a finished run's folder, or names of a fleet's snapshots."""

from pathlib import Path

from ops.fleet import stored_partitions
from ops.settings import UNUSED_STORE
from snapshots import ManifestRef, SnapshotScope, list_snapshots, open_existing
from workers.config import WorkerConfig
from workers.replay import (
    Begin,
    ReplayError,
    begin_at_end_of,
    begin_at_snapshots,
    read_run,
    snapshots_named,
)

__all__ = ["begin_named"]

_ENDS = {"newest": 0, "oldest": -1}
"""Where they stand among a partition's snapshots."""


def begin_named(config: WorkerConfig, name: str, *, topic: str | None, before: str = "") -> Begin:
    """The states to begin from.

    Args:
        config: for a fleet's snapshots its settings: store, group, ticks topic.
        name: a folder; or `newest`, `oldest`, an offset or the begin of a digest, as `tickfleet
            snapshot ls` lists them: of every partition that has one of that name.
        topic: what is going to be stepped; None for a file, which has one partition.
        before: the name of the states that an interrupted run began from: `newest` and `oldest`
            mean the same ones when it goes on, though a fleet at work has others by then.

    Raises:
        ReplayError: there is no such run or snapshot.
    """
    if Path(name).is_dir():
        begin = begin_at_end_of(Path(name), config.predictor, config.dtype)
        if topic is None:
            return begin.for_a_file()
        if read_run(Path(name))["source"].get("topic") != topic:
            raise ReplayError(f"{name} is no run over {topic}: its offsets mean other ticks")
        return begin
    if config.snapshot_url == UNUSED_STORE:
        raise ReplayError(
            f"{name} is no folder of a run; for a fleet's snapshot, give the fleet's --config, "
            "which has snapshot_url"
        )
    store = open_existing(config.snapshot_url, config.store_options)
    group, topic = config.group_id, config.topics.ticks
    refs = {}
    begun = snapshots_named(before) if name in _ENDS else {}
    for partition in stored_partitions(store, group, topic):
        known = list_snapshots(store, SnapshotScope(group, topic, partition))
        if begun:
            chosen = [ref for ref in known if ref.name == begun.get(partition)]
        else:
            chosen = _chosen(known, name)
        if len(chosen) > 1:
            raise ReplayError(f"partition {partition}: {len(chosen)} snapshots are called {name}")
        if chosen:
            refs[partition] = chosen[0]
    if gone := sorted(begun.keys() - refs.keys()):
        raise ReplayError(
            f"the store no longer has the snapshots that the interrupted run began from, of "
            f"partition {', '.join(map(str, gone))}: begin anew without --resume"
        )
    if not refs:
        raise ReplayError(f"no snapshot is called {name}; `tickfleet snapshot ls` lists them")
    begin = begin_at_snapshots(config, refs)
    return begin.for_a_file() if topic is None else begin


def _chosen(known: list[ManifestRef], name: str) -> list[ManifestRef]:
    if name in _ENDS:
        return [known[_ENDS[name]]] if known else []
    exact = [ref for ref in known if str(ref.offset) == name]
    return exact or [ref for ref in known if ref.digest.startswith(name)]
