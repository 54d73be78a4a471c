"""What every topic must hold, recomputed from the input and the recorded decisions alone.

On purpose not the worker's way: one tick of one asset at a time, no tiles shared, no batches;
fastavro instead of the columnar codecs; edges of flags from successive results.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final, NamedTuple

from fastavro import schemaless_writer

from core import AssetState, FunctionalPredictor, Kernel, MarketObservation, PredictorConfig
from core.result import PredictionResult
from tests.kafka.tap import TapRecord
from tests.schemas.reference import decode, schema

__all__ = ["Event", "Expected", "Oracle", "Seen"]

EVENT_TIME: Final = -1
_LEVEL_FLAGS: Final = {
    "emergency_mode": "EmergencyMode",
    "degraded_inference_mode": "DegradedInferenceMode",
    "mode_collapse_warning": "ModeCollapseWarning",
    "kurtosis_outlier_warning": "KurtosisOutlierWarning",
    "frequency_warning": "FrequencyWarning",
    "frozen_signal": "FrozenSignal",
    "outlier_rejected": "DomainError",
}


class Seen(NamedTuple):
    """What a read_committed reader saw of each topic, by partition, in the order it came.

    Attributes:
        results: the predictions topic; its partition numbers are the input's.
        journal: the journal topic, likewise.
        flags: the flags topic.
        letters: the dead-letter topic.
    """

    results: Mapping[int, Sequence[TapRecord]]
    journal: Mapping[int, Sequence[TapRecord]]
    flags: Mapping[int, Sequence[TapRecord]]
    letters: Mapping[int, Sequence[TapRecord]]


class Event(NamedTuple):
    """One edge of one flag, by its cause."""

    partition: int
    offset: int
    type: str
    state: str


@dataclass
class Expected:
    """What must be there, and what the journal leaves open.

    Attributes:
        results: Avro body of the result of each accepted input (partition, offset).
        letters: inputs that deserve a dead letter.
        events: every flag event.
        uncovered: inputs that no journal record or more than one covers, or of which one says
            wrongly whether they deserve a result.
    """

    results: dict[tuple[int, int], bytes] = field(default_factory=dict)
    letters: set[tuple[int, int]] = field(default_factory=set)
    events: set[Event] = field(default_factory=set)
    uncovered: set[tuple[int, int]] = field(default_factory=set)


@dataclass
class _Asset:
    state: AssetState
    ticks: int = 0
    flags: frozenset[str] = frozenset()


class Oracle:
    """Recomputes a run.

    Args:
        topic: the ticks topic's name, stamped into results.
        config: the fleet's predictor.
        dtype: the fleet's state type.
    """

    def __init__(self, topic: str, config: PredictorConfig, dtype: str = "float64") -> None:
        self._topic = topic
        self._config = config
        self._predictor = FunctionalPredictor(config, dtype=dtype)

    def expect(
        self,
        inputs: Mapping[int, Sequence[TapRecord]],
        journal: Mapping[int, Sequence[TapRecord]],
        available: Kernel,
    ) -> Expected:
        """What the topics must hold.

        Args:
            inputs: the ticks topic as a read_committed reader sees it, whole.
            journal: the journal topic, likewise.
            available: kernels the build has; masks that lack one of them are load shedding.
        """
        expected = Expected()
        for partition, records in inputs.items():
            entries = [decode("JournalRecord", r.value) for r in journal.get(partition, ())]
            self._partition(expected, partition, records, entries)
            expected.events.update(self._shedding(partition, entries, available))
        return expected

    def _partition(
        self,
        expected: Expected,
        partition: int,
        records: Sequence[TapRecord],
        entries: Sequence[Mapping[str, Any]],
    ) -> None:
        assets: dict[str, _Asset] = {}
        covered_by: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for entry in entries:
            for offset in range(entry["from_offset"], entry["to_offset"] + 1):
                covered_by[offset].append(entry)
        for record in records:
            cause = (partition, record.offset)
            covering = covered_by[record.offset]
            tick = _accepted(record)
            rejected = [record.offset - one["from_offset"] in one["rejected"] for one in covering]
            if rejected != [tick is None]:
                expected.uncovered.add(cause)
            if tick is None:
                expected.letters.add(cause)
                continue
            decision = covering[0] if covering else _UNDECIDED | self._full_depth()
            asset = assets.setdefault(tick["asset_id"], _Asset(self._predictor.init_state()))
            result = self._step(asset, tick, decision)
            expected.results[cause] = self._encoded(
                asset, result, cause=cause, tick=tick, decided_ns=decision["processing_time_ns"]
            )
            expected.events.update(_edges(partition, record.offset, asset, result))

    def _full_depth(self) -> dict[str, int]:
        return {"depth": self._config.log_sig_depth}

    def _step(
        self, asset: _Asset, tick: Mapping[str, Any], decision: Mapping[str, Any]
    ) -> PredictionResult:
        decided_ns = decision["processing_time_ns"]
        target = math.nan if tick["target"] is None else tick["target"]
        asset.state, result = self._predictor.step(
            asset.state,
            MarketObservation(tick["price"], target, tick["timestamp_ns"]),
            processing_time_ns=None if decided_ns == EVENT_TIME else decided_ns,
            depth=decision["depth"],
            kernel_mask=Kernel(decision["kernel_mask"]),
        )
        asset.ticks += 1
        return result

    def _encoded(
        self,
        asset: _Asset,
        result: PredictionResult,
        *,
        cause: tuple[int, int],
        tick: Mapping[str, Any],
        decided_ns: int,
    ) -> bytes:
        contract = schema("PredictionResult")
        fields = {name: getattr(result, name, None) for name in _field_names(contract)}
        fields |= {
            "source_topic": self._topic,
            "source_partition": cause[0],
            "source_offset": cause[1],
            "sequence": asset.ticks,
            "asset_id": tick["asset_id"],
            "timestamp_ns": tick["timestamp_ns"],
            "processing_time_ns": tick["timestamp_ns"] if decided_ns == EVENT_TIME else decided_ns,
            "kernel_mask": int(result.kernel_mask),
        }
        out = BytesIO()
        schemaless_writer(out, contract, fields)
        return out.getvalue()

    def _shedding(
        self, partition: int, entries: Sequence[Mapping[str, Any]], available: Kernel
    ) -> Iterator[Event]:
        shed = False
        at_rest = max(depth for depth in (2, 3, 5) if depth <= self._config.log_sig_depth)
        for entry in entries:
            now = entry["depth"] < at_rest or entry["kernel_mask"] != available
            if now != shed:
                state = "raised" if now else "cleared"
                yield Event(partition, entry["from_offset"], "LoadShedding", state)
            shed = now


_UNDECIDED: Final = {"processing_time_ns": EVENT_TIME, "kernel_mask": 15}


def _field_names(contract: Any) -> list[str]:
    return [one["name"] for one in contract["fields"]]


def _accepted(record: TapRecord) -> dict[str, Any] | None:
    """The tick, or None where the contract's ranges (docs/contracts.md) refuse it."""
    try:
        tick = decode("Tick", record.value or b"")
    except Exception:  # fastavro raises whatever the bytes lead it to
        return None
    asset_id = tick["asset_id"].encode()
    sound = (
        record.key == asset_id
        and 0 < len(asset_id) <= 256
        and math.isfinite(tick["price"])
        and tick["price"] > 0
        and (tick["target"] is None or not math.isinf(tick["target"]))
    )
    return tick if sound else None


def _edges(partition: int, offset: int, asset: _Asset, result: PredictionResult) -> Iterator[Event]:
    now = frozenset(kind for name, kind in _LEVEL_FLAGS.items() if getattr(result, name))
    before, asset.flags = asset.flags, now
    edges = [(kind, "raised") for kind in now - before]
    edges += [(kind, "cleared") for kind in before - now]
    stale = "DegradedInferenceMode"
    if stale in now - before:
        edges.append(("StalenessWarning", "instant"))
    if stale in before - now:
        edges.append(("NormalOperationRestored", "instant"))
    if "ModeCollapseWarning" in now - before:
        edges.append(("ModeDegradationAlert", "instant"))
    if result.regime_change_detected:
        edges.append(("RegimeChangeDetected", "instant"))
    return (Event(partition, offset, kind, state) for kind, state in edges)
