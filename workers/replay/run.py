"""A backtest from the first tick to the finished folder, in one process."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from core import PredictorConfig, runtime_versions
from snapshots import PartitionImage
from workers.emission.flag_events import flag_events
from workers.replay.ahead import read_ahead
from workers.replay.beside import Beside
from workers.replay.chunk import TickChunk
from workers.replay.counts import Counts
from workers.replay.decisions import Deciding
from workers.replay.engine import Engine, Stepped
from workers.replay.gather import batch_rows
from workers.replay.output.checkpoint import StateKeeper
from workers.replay.output.folder import RunFolder, finished
from workers.replay.output.run_tables import RunTables, complete_tables
from workers.replay.places import Places
from workers.replay.source import TickSource
from workers.replay.to_topic.publish import RunPublisher
from workers.replay.to_topic.publishing import Publishing

__all__ = ["RunPlan", "Watch", "Witness", "run_backtest", "run_facts"]

_FORMAT = 1


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
    publish: where the results go besides; None: nowhere.
    rows: where the rows of a slice go, each with its place in the order of the whole run; None: it
        is a run of its own.
    watch: sees every result as it is made; what it found is kept in `run.json`.
    """

    source: TickSource
    config: PredictorConfig
    dtype: str
    deciding: Deciding
    out: Path
    begin: Mapping[int, PartitionImage] = field(default_factory=dict)
    begin_name: str = ""
    checkpoint_ticks: int = 2_000_000
    publish: Publishing | None = None
    rows: Path | None = None
    watch: "Watch | None" = None

    def identity(self) -> dict[str, Any]:
        """What must be equal for two runs to give the same files."""
        return {
            "source": self.source.describe(),
            "config": self.config.to_dict(),
            "dtype": self.dtype,
            "decisions": self.deciding.name,
            "begin": self.begin_name,
            "published": None if self.publish is None else self.publish.describe(),
            "verify": None if self.watch is None else self.watch.describe(),
            "runtime": dict(runtime_versions(self.dtype)),
        }


class Witness(Protocol):
    """Sees every result."""

    def see(self, stepped: Stepped) -> None:
        """These were made."""

    def summary(self) -> dict[str, Any]:
        """What was found, JSON-serialisable; asked for once, after the last."""


class Watch(Protocol):
    """Makes a witness, in whichever process the results are made."""

    def describe(self) -> dict[str, Any]:
        """What identifies it, JSON-serialisable."""

    def open(self) -> AbstractContextManager[Witness]:
        """For one run, which it sees from the first result to the last."""

    def only(self, partitions: Collection[int]) -> "Watch":
        """For the slice of a run that holds these partitions."""

    def total(self, summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What the witnesses of all slices found together."""


def run_backtest(
    plan: RunPlan,
    *,
    resume: bool = False,
    progress: Callable[[int, float], None] = lambda _results, _share: None,
) -> dict[str, Any]:
    """Run it; returns what `run.json` holds. Blocks until everything is written.

    Args:
        plan: what to do.
        resume: go on with a partial run of the same plan; one that is watched begins anew. Of a
            whole one nothing is left to be done.
        progress: told the results so far and the share of the source that is done.

    Raises:
        BadTicksError: the source cannot be used; nothing finished is left behind.
        ReplayError: the folder cannot be used.
        RetryableError: brokers did not answer; going on with `resume` is possible.
    """
    identity = plan.identity()
    if resume and (whole := finished(plan.out, identity)) is not None:
        return whole
    identity |= {"processes": 1}
    with RunFolder(plan.out, identity, resume=resume) as folder, ExitStack() as closed:
        witness = None if plan.watch is None else closed.enter_context(plan.watch.open())
        return _Run(plan, folder, closed).finish(progress, witness)


def run_facts(plan: RunPlan) -> dict[str, Any]:
    """What `run.json` says of a run whatever came of it."""
    return {
        "format": _FORMAT,
        **plan.identity(),
        "fingerprint": plan.config.fingerprint(),
    }


class _Run:
    def __init__(self, plan: RunPlan, folder: RunFolder, closed: ExitStack) -> None:
        self._plan, self._folder = plan, folder
        source = plan.source
        self._engine = Engine(plan.config, plan.dtype, source=source.name, deciding=plan.deciding)
        self._keeper = StateKeeper(folder.path / "snapshots", source.name, plan.config, plan.dtype)
        closed.enter_context(closing(self._keeper))
        # A witness must see all results, and what it has seen is in no checkpoint.
        kept = folder.checkpoint if plan.watch is None else None
        saved = kept or {"parts": {}, "counts": {}, "reached_ns": {}}
        self._counts = Counts(**saved["counts"])
        self._engine.restore(
            self._keeper.load(saved["snapshots"]) if "snapshots" in saved else plan.begin
        )
        reached_ns = {int(number): stamp for number, stamp in saved["reached_ns"].items()}
        self._places = Places(by_time=source.merged_by_time, reached_ns=reached_ns)
        self._publisher: RunPublisher | None = None
        if plan.publish is not None:
            self._publisher = RunPublisher(plan.publish, folder.token, done=self._counts.results)
            closed.enter_context(closing(self._publisher))
        # Whoever may not publish removes no parts.
        placed = plan.rows is not None
        self._tables = RunTables(plan.rows or folder.path, saved["parts"], placed=placed)
        closed.callback(self._tables.abandon)
        self._writing = closed.enter_context(Beside("run-tables"))
        self._since_checkpoint = 0

    def finish(
        self, progress: Callable[[int, float], None], witness: Witness | None
    ) -> dict[str, Any]:
        begun_s, before = time.monotonic(), self._counts.results
        source = self._plan.source
        chunks = source.chunks(self._engine.positions, dict(self._places.reached_ns))
        with read_ahead(chunks, self._batch_rows) as batches:
            for chunk in batches:
                self._take(chunk, witness)
                progress(self._counts.results, source.share)
        snapshots = self._checkpoint()
        if self._plan.rows is None:
            complete_tables(self._folder.path)
        seconds = time.monotonic() - begun_s
        run = {
            **run_facts(self._plan),
            "processes": 1,
            "counts": asdict(self._counts) | {"assets": self._engine.assets},
            "warnings": source.warnings,
            "snapshots": snapshots,
            "verification": None if witness is None else witness.summary(),
            "seconds": round(seconds, 3),
            "results_per_second": round((self._counts.results - before) / max(seconds, 1e-9)),
        }
        self._folder.finish(run)
        return run

    def _batch_rows(self) -> int:
        return min(batch_rows(self._engine.assets), self._plan.checkpoint_ticks)

    def _take(self, chunk: TickChunk, witness: Witness | None) -> None:
        stepped = self._engine.step(chunk)
        self._counts.add(chunk, stepped)
        self._writing.do(partial(self._keep, chunk, stepped, witness))
        self._since_checkpoint += len(chunk)
        if self._since_checkpoint >= self._plan.checkpoint_ticks:
            self._checkpoint()

    def _keep(self, chunk: TickChunk, stepped: Stepped, witness: Witness | None) -> None:
        """What came of a chunk, while the next one is stepped."""
        events = list(flag_events(stepped.results))
        self._tables.write(chunk, stepped, events, self._places.of(chunk))
        self._counts.flags += len(events)
        if self._publisher is not None:
            self._publisher.publish(stepped.results, events)
        if witness is not None:
            witness.see(stepped)

    def _checkpoint(self) -> dict[str, dict[str, Any]]:
        """Make everything so far durable: the parts first, what names them last."""
        self._writing.wait()
        self._since_checkpoint = 0
        self._tables.close_parts()
        snapshots = self._keeper.save(self._engine.images())
        self._folder.save_checkpoint(
            {
                "snapshots": snapshots,
                "parts": self._tables.parts,
                "counts": asdict(self._counts),
                "reached_ns": self._places.reached_ns,
            }
        )
        self._keeper.tidy(snapshots)
        return snapshots
