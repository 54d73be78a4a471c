"""The state of a replay as snapshots beside its results: a killed run goes on from there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from core import PredictorConfig
from snapshots import (
    ManifestRef,
    PartitionImage,
    SnapshotScope,
    SnapshotWriter,
    current_header,
    open_store,
    restore,
)

__all__ = ["RUN_GROUP", "StateKeeper"]

RUN_GROUP = "backtest"
"""The group under which a run's own snapshots are stored."""


class StateKeeper:
    """Saves and loads the states of all partitions of a run.

    Args:
        folder: of the snapshots.
        topic: the source's name.
        config: the predictor's configuration.
        dtype: of the state.
    """

    def __init__(self, folder: Path, topic: str, config: PredictorConfig, dtype: str) -> None:
        self._header = current_header(config, cast(Literal["float64", "float32"], dtype))
        self._store = open_store(folder.absolute().as_uri())
        self._writer = SnapshotWriter(self._store, self._header, keep=2)
        self._topic = topic

    def save(self, images: Mapping[int, PartitionImage]) -> dict[str, dict[str, Any]]:
        """Write the states; returns by which names they are found, once they are durable.

        Raises:
            StoreError: the disk refused.
        """
        saving = {
            number: self._writer.submit(self._scope(number), image)
            for number, image in images.items()
        }
        return {
            str(number): {"offset": ref.offset, "digest": ref.digest}
            for number, ref in ((number, future.result()) for number, future in saving.items())
        }

    def tidy(self, kept: Mapping[str, Mapping[str, Any]]) -> None:
        """Remove states that no checkpoint names any more."""
        for number, ref in kept.items():
            scope = self._scope(int(number))
            self._writer.collect_garbage(scope, {ref["digest"]}, min_age_s=0.0).result()

    def load(self, saved: Mapping[str, Mapping[str, Any]]) -> dict[int, PartitionImage]:
        """The states that `save` named.

        Raises:
            SnapshotError: they are damaged, or of another configuration.
        """
        images = {}
        for number, ref in saved.items():
            scope = self._scope(int(number))
            found = restore(
                self._store, self._header, scope, ManifestRef(ref["offset"], ref["digest"])
            )
            self._writer.adopt(scope, found.ref, found.manifest)
            images[int(number)] = found.image
        return images

    def close(self) -> None:
        """End the I/O threads."""
        self._writer.close(timeout_s=30.0)

    def _scope(self, partition: int) -> SnapshotScope:
        return SnapshotScope(RUN_GROUP, self._topic, partition)
