"""States to begin from: a fleet's snapshots, or the end of another run; under any configuration
whose state has the same layout.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from core import PredictorConfig
from snapshots import (
    ManifestRef,
    ObjectStore,
    PartitionImage,
    SnapshotScope,
    current_header,
    open_existing,
    restore,
)
from workers.config import WorkerConfig
from workers.replay.errors import ReplayError
from workers.replay.output.checkpoint import RUN_GROUP
from workers.replay.output.folder import read_run
from workers.replay.run import RunPlan

__all__ = ["Begin", "begin_at_end_of", "begin_at_snapshots", "snapshots_named"]

_NAMED: Final = re.compile(r"(\d+):(\d+-[0-9a-f]{12})")
"""Partition, offset and digest of a snapshot, in `Begin.name`."""

_Dtype = Literal["float64", "float32"]


@dataclass(frozen=True, slots=True)
class Begin:
    """Attributes:
    name: identifies the states.
    images: by partition; an image's offset is the next one to step.
    """

    name: str
    images: Mapping[int, PartitionImage]

    def of(self, plan: RunPlan) -> RunPlan:
        """The plan, begun from these states."""
        return replace(plan, begin=self.images, begin_name=self.name)

    def for_a_file(self) -> "Begin":
        """All assets in partition 0, before its first row.

        Raises:
            ReplayError: an asset has a state in two partitions.
        """
        images = [image for image in self.images.values() if image.asset_ids]
        ids = tuple(asset for image in images for asset in image.asset_ids)
        if len(set(ids)) != len(ids):
            raise ReplayError(f"{self.name}: an asset has a state in two partitions of the topic")
        if not images:
            return Begin(self.name, {})
        joined = PartitionImage(
            offset=0,
            journal_position=0,
            asset_ids=ids,
            rows=np.concatenate([image.rows for image in images]),
            last_timestamp_ns=np.concatenate([image.last_timestamp_ns for image in images]),
            sequence=np.concatenate([image.sequence for image in images]),
            dirty=np.concatenate([image.dirty for image in images]),
        )
        return Begin(self.name, {0: joined})


def begin_at_end_of(run: Path, config: PredictorConfig, dtype: _Dtype) -> Begin:
    """Where a finished run ended.

    Raises:
        ReplayError: there is no finished run.
        SnapshotError: its states are damaged, or their layout is not the configuration's.
    """
    found = read_run(run)
    source = found["source"]
    name = source.get("topic") or Path(source["path"]).name
    store = open_existing((run / "snapshots").absolute().as_uri())
    images = {
        int(number): _load(
            store,
            SnapshotScope(RUN_GROUP, name, int(number)),
            ManifestRef(ref["offset"], ref["digest"]),
            config,
            dtype,
        )
        for number, ref in found["snapshots"].items()
    }
    digests = " ".join(ref["digest"][:12] for ref in found["snapshots"].values())
    return Begin(f"the end of {run.name} ({digests})", images)


def begin_at_snapshots(config: WorkerConfig, refs: Mapping[int, ManifestRef]) -> Begin:
    """A fleet's snapshots, one a partition.

    Raises:
        SnapshotError: one is damaged, or its layout is not the configuration's.
        StoreError: the store does not answer.
    """
    store = open_existing(config.snapshot_url, config.store_options)
    images = {
        number: _load(
            store,
            SnapshotScope(config.group_id, config.topics.ticks, number),
            ref,
            config.predictor,
            config.dtype,
        )
        for number, ref in refs.items()
    }
    names = " ".join(f"{number}:{ref.name}" for number, ref in refs.items())
    return Begin(f"snapshots of {config.group_id}: {names}", images)


def snapshots_named(begin: str) -> dict[int, str]:
    """By partition the `ManifestRef.name`s in a `Begin.name`; empty if it is not of snapshots."""
    return {int(number): name for number, name in _NAMED.findall(begin)}


def _load(
    store: ObjectStore,
    scope: SnapshotScope,
    ref: ManifestRef,
    config: PredictorConfig,
    dtype: _Dtype,
) -> PartitionImage:
    header = current_header(config, dtype)
    return restore(store, header, scope, ref, accept_other_config=True).image
