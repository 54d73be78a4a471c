"""The verdict on a run: what subscribers saw against what the oracle expects. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from tests.chaos.oracle import Event, Expected, Seen
from tests.kafka.tap import TapRecord
from tests.schemas.reference import body, decode

__all__ = ["Verdict", "judge"]

_EXAMPLES = 5


@dataclass(frozen=True)
class Verdict:
    """Counts over all partitions; everything after `results` is 0 when the promise holds.

    Attributes:
        ticks: accepted input ticks.
        results: visible results.
        missing: accepted ticks without a result.
        repeated: results beyond the first for one input.
        unexpected: results of inputs that deserve none.
        wrong: results whose bytes differ from the recomputation.
        reordered: results whose source offset is below one seen before in the partition.
        torn: inputs that not exactly one journal record covers, or that one covers without
            the outputs it was committed with.
        sequence_gaps: results whose sequence is not the previous one of the asset plus 1.
        letters: dead letters missing, repeated or unexpected.
        events: flag events missing, repeated or unexpected.
        examples: the first few findings, in words.
    """

    ticks: int = 0
    results: int = 0
    missing: int = 0
    repeated: int = 0
    unexpected: int = 0
    wrong: int = 0
    reordered: int = 0
    torn: int = 0
    sequence_gaps: int = 0
    letters: int = 0
    events: int = 0
    examples: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether exactly-once, in order, with the right bytes, held."""
        findings = [getattr(self, f.name) for f in fields(self) if f.type is int]
        return not any(findings[2:])


def judge(expected: Expected, seen: Seen) -> Verdict:
    """Compare."""
    examples: list[str] = []

    def note(kind: str, causes: Iterable[Any]) -> int:
        found = sorted(causes)
        examples.extend(f"{kind}: {cause}" for cause in found[:_EXAMPLES])
        return len(found)

    results = {number: _decoded(records) for number, records in seen.results.items()}
    causes = Counter((n, r["source_offset"]) for n, rs in results.items() for r, _ in rs)
    letters = Counter(_cause(r) for rs in seen.letters.values() for r in _all("DeadLetter", rs))
    events = Counter(_event(r) for rs in seen.flags.values() for r in _all("FlagEvent", rs))
    missing = expected.results.keys() - causes.keys()
    silent = (missing | (expected.letters - letters.keys())) - expected.uncovered
    return Verdict(
        ticks=len(expected.results),
        results=sum(causes.values()),
        missing=note("missing", missing),
        repeated=note("repeated", (c for c, n in causes.items() if n > 1)),
        unexpected=note("unexpected", causes.keys() - expected.results.keys()),
        wrong=note("wrong", _wrong(expected, results)),
        reordered=note("reordered", _reordered(results)),
        torn=note("torn", expected.uncovered | silent),
        sequence_gaps=note("sequence gap", _sequence_gaps(results)),
        letters=note("letter", _differences(Counter(expected.letters), letters)),
        events=note("event", _differences(Counter(expected.events), events)),
        examples=tuple(examples),
    )


_Decoded = Sequence[tuple[dict[str, Any], bytes]]


def _decoded(records: Sequence[TapRecord]) -> _Decoded:
    return [
        (decode("PredictionResult", r.value), body("PredictionResult", r.value)) for r in records
    ]


def _all(name: str, records: Sequence[TapRecord]) -> Iterable[dict[str, Any]]:
    return (decode(name, record.value) for record in records)


def _cause(record: Mapping[str, Any]) -> tuple[int, int]:
    return record["source_partition"], record["source_offset"]


def _event(record: Mapping[str, Any]) -> Event:
    return Event(*_cause(record), record["type"], record["state"])


def _wrong(expected: Expected, results: Mapping[int, _Decoded]) -> Iterable[tuple[int, int]]:
    for number, records in results.items():
        for result, value in records:
            cause = (number, result["source_offset"])
            if cause in expected.results and expected.results[cause] != value:
                yield cause


def _reordered(results: Mapping[int, _Decoded]) -> Iterable[tuple[int, int]]:
    for number, records in results.items():
        highest = -1
        for result, _ in records:
            if result["source_offset"] < highest:
                yield number, result["source_offset"]
            highest = max(highest, result["source_offset"])


def _sequence_gaps(results: Mapping[int, _Decoded]) -> Iterable[tuple[int, int]]:
    for number, records in results.items():
        last: dict[str, int] = {}
        for result, _ in records:
            asset = result["asset_id"]
            if result["sequence"] != last.get(asset, 0) + 1:
                yield number, result["source_offset"]
            last[asset] = result["sequence"]


def _differences(wanted: Counter[Any], found: Counter[Any]) -> Iterable[Any]:
    return [*(wanted - found).elements(), *(found - wanted).elements()]
