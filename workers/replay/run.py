"""A backtest from the first tick to the finished folder."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from core import PredictorConfig, runtime_versions
from snapshots import PartitionImage
from workers.flag_events import flag_events
from workers.replay.checkpoint import StateKeeper
from workers.replay.chunk import TickChunk
from workers.replay.decisions import Deciding
from workers.replay.engine import Engine, Stepped
from workers.replay.folder import RunFolder
from workers.replay.parts import PartWriter
from workers.replay.source import TickSource
from workers.replay.tables import (
    FLAGS_SCHEMA,
    REFUSED_SCHEMA,
    RESULTS_SCHEMA,
    flag_table,
    refused_table,
    result_batch,
)

__all__ = ["Counts", "RunPlan", "Witness", "run_backtest"]

_FORMAT = 1
_TABLES = {"results": RESULTS_SCHEMA, "flags": FLAGS_SCHEMA, "refused": REFUSED_SCHEMA}


@dataclass(frozen=True)
class RunPlan:
    """Attributes:
    source: the ticks.
    config: the predictor's configuration.
    dtype: `float64` or `float32`.
    deciding: under which decisions they are stepped.
    out: the folder to be made.
    begin: states to begin from, by partition; empty: every asset is new.
    begin_name: which snapshot they are of; empty without.
    checkpoint_ticks: how many ticks a kill may cost.
    """

    source: TickSource
    config: PredictorConfig
    dtype: str
    deciding: Deciding
    out: Path
    begin: Mapping[int, PartitionImage] = field(default_factory=dict)
    begin_name: str = ""
    checkpoint_ticks: int = 2_000_000

    def identity(self) -> dict[str, Any]:
        """What must be equal for two runs to give the same files."""
        return {
            "source": self.source.describe(),
            "config": self.config.to_dict(),
            "dtype": self.dtype,
            "decisions": self.deciding.name,
            "begin": self.begin_name,
        }


class Witness(Protocol):
    """Sees every result."""

    def see(self, stepped: Stepped) -> None:
        """These were made."""

    def summary(self) -> dict[str, Any]:
        """What was found, JSON-serialisable; asked for once, after the last."""


@dataclass
class Counts:
    """What has been done: records read, results, refused records, flag events, event times."""

    records: int = 0
    results: int = 0
    refused: int = 0
    flags: int = 0
    first_timestamp_ns: int | None = None
    last_timestamp_ns: int | None = None

    def add(self, chunk: TickChunk, stepped: Stepped, flags: int) -> None:
        """Count one chunk."""
        self.records += len(chunk)
        self.results += len(stepped.price)
        self.refused += len(chunk.refused)
        self.flags += flags
        if len(stepped.price):
            stamps = stepped.results.timestamp_ns
            first, last = int(stamps.min()), int(stamps.max())
            self.first_timestamp_ns = min(first, self.first_timestamp_ns or first)
            self.last_timestamp_ns = max(last, self.last_timestamp_ns or last)


def run_backtest(
    plan: RunPlan,
    *,
    resume: bool = False,
    progress: Callable[[int, float], None] = lambda _results, _share: None,
    witness: Witness | None = None,
) -> dict[str, Any]:
    """Run it; returns what `run.json` holds. Blocks until everything is written.

    Args:
        plan: what to do.
        resume: go on with a partial run of the same plan.
        progress: told the results so far and the share of the source that is done.
        witness: shown every result as it is made; its summary is kept in `run.json`.

    Raises:
        BadTicksError: the source cannot be used; nothing finished is left behind.
        ReplayError: the folder cannot be used.
    """
    return _Run(plan, resume=resume).finish(progress, witness)


class _Run:
    def __init__(self, plan: RunPlan, *, resume: bool) -> None:
        self._plan = plan
        self._folder = RunFolder(plan.out, plan.identity(), resume=resume)
        self._engine = Engine(
            plan.config, plan.dtype, source=plan.source.name, deciding=plan.deciding
        )
        self._keeper = StateKeeper(
            self._folder.path / "snapshots", plan.source.name, plan.config, plan.dtype
        )
        self._tables = {
            name: PartWriter(self._folder.path / name, schema) for name, schema in _TABLES.items()
        }
        self._counts = Counts()
        self._since_checkpoint = 0
        self._begin()

    def _begin(self) -> None:
        saved = self._folder.checkpoint
        if saved is not None:
            self._engine.restore(self._keeper.load(saved["snapshots"]))
            self._counts = Counts(**saved["counts"])
        else:
            self._engine.restore(self._plan.begin)
        for name, table in self._tables.items():
            table.keep_only(saved["parts"][name] if saved is not None else 0)

    def finish(
        self, progress: Callable[[int, float], None], witness: Witness | None
    ) -> dict[str, Any]:
        begun_s, before = time.monotonic(), self._counts.results
        source = self._plan.source
        try:
            for chunk in source.chunks(self._engine.positions):
                self._take(chunk, witness)
                progress(self._counts.results, source.share)
            snapshots = self._checkpoint()
            verification = None if witness is None else witness.summary()
        finally:
            for table in self._tables.values():
                table.abandon()
            self._keeper.close()
        seconds = time.monotonic() - begun_s
        run = {
            "format": _FORMAT,
            **self._plan.identity(),
            "fingerprint": self._plan.config.fingerprint(),
            "runtime": dict(runtime_versions(self._plan.dtype)),
            "counts": asdict(self._counts) | {"assets": self._engine.assets},
            "warnings": source.warnings,
            "snapshots": snapshots,
            "verification": verification,
            "seconds": round(seconds, 3),
            "results_per_second": round((self._counts.results - before) / max(seconds, 1e-9)),
        }
        self._folder.finish(run)
        return run

    def _take(self, chunk: TickChunk, witness: Witness | None) -> None:
        stepped = self._engine.step(chunk)
        events = list(flag_events(stepped.results))
        self._tables["results"].write(result_batch(stepped))
        if events:
            self._tables["flags"].write(flag_table(events))
        if chunk.refused:
            self._tables["refused"].write(refused_table(chunk.refused))
        self._counts.add(chunk, stepped, len(events))
        if witness is not None:
            witness.see(stepped)
        self._since_checkpoint += len(chunk)
        if self._since_checkpoint >= self._plan.checkpoint_ticks:
            self._checkpoint()

    def _checkpoint(self) -> dict[str, dict[str, Any]]:
        """Make everything so far durable: the parts first, what names them last."""
        self._since_checkpoint = 0
        for table in self._tables.values():
            table.close_part()
        snapshots = self._keeper.save(self._engine.images())
        self._folder.save_checkpoint(
            {
                "snapshots": snapshots,
                "parts": {name: table.parts for name, table in self._tables.items()},
                "counts": asdict(self._counts),
            }
        )
        self._keeper.tidy(snapshots)
        return snapshots
