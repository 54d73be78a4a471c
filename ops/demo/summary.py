"""From what was sent and seen to the table at the end. Pure."""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ops.demo.audit import AuditReport, PartitionTrace, audit
from ops.demo.subscriber import Seen
from schemas import ResultCodec

__all__ = ["DemoSummary", "summarise"]

_ON_THEIR_WAY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What the demonstration showed.

    Attributes:
        report: the audit.
        flags: flag events by type.
        kills: how many times a worker was killed.
        recovery_s: for each kill, how long until every partition had new results.
        latency_ms: p50 and p99 from the tick's append to its result seen, outside recoveries.
        ticks_per_s: results over the time between the first and the last.
    """

    report: AuditReport
    flags: Mapping[str, int]
    kills: int
    recovery_s: Sequence[float]
    latency_ms: tuple[float, float]
    ticks_per_s: float


def summarise(
    sent_at_s: Mapping[tuple[int, int], float],
    results: Sequence[Seen],
    codec: ResultCodec,
    *,
    flags: Mapping[str, int],
    killed_at_s: Sequence[float],
) -> DemoSummary:
    """Judge a run.

    Args:
        sent_at_s: when each tick was appended, by partition and offset.
        results: the visible results, in order.
        codec: decodes them.
        flags: flag events by type.
        killed_at_s: Unix times of the kills.
    """
    answered: dict[int, list[int]] = defaultdict(list)
    seen_s: dict[int, list[float]] = defaultdict(list)
    calm_ms: list[float] = []
    recovery_s = _recoveries(results, killed_at_s)
    for seen in results:
        offset = codec.decode(seen.value)["source_offset"]
        answered[seen.partition].append(offset)
        seen_s[seen.partition].append(seen.seen_s)
        sent_s = sent_at_s.get((seen.partition, offset))
        if sent_s is not None and not _in_recovery(sent_s, killed_at_s, recovery_s):
            calm_ms.append((seen.seen_s - sent_s) * 1e3)
    accepted: dict[int, list[int]] = defaultdict(list)
    for partition, offset in sent_at_s:
        accepted[partition].append(offset)
    traces = {
        partition: PartitionTrace(sorted(accepted[partition]), (), answered[partition], ())
        for partition in accepted.keys() | answered.keys()
    }
    times = [seen.seen_s for seen in results]
    p50, p99 = np.percentile(calm_ms, [50, 99]).tolist() if calm_ms else (np.nan, np.nan)
    return DemoSummary(
        report=audit(traces),
        flags=flags,
        kills=len(killed_at_s),
        recovery_s=recovery_s,
        latency_ms=(p50, p99),
        ticks_per_s=len(times) / max(times[-1] - times[0], 1e-9) if times else 0.0,
    )


def _recoveries(results: Sequence[Seen], killed_at_s: Sequence[float]) -> list[float]:
    """For each kill, until the end of the longest silence of a partition that began with it."""
    by_partition: dict[int, list[float]] = defaultdict(list)
    for seen in results:
        by_partition[seen.partition].append(seen.seen_s)
    return [
        max((_silent_until(times, kill_s) - kill_s for times in by_partition.values()), default=0.0)
        for kill_s in killed_at_s
    ]


def _silent_until(times: Sequence[float], kill_s: float) -> float:
    """The end of the longest silence; the kill itself if nothing came afterwards."""
    # What the dead worker had committed may be seen a moment after the kill.
    first = max(int(np.searchsorted(times, kill_s)) - 1, 0)
    last = int(np.searchsorted(times, kill_s + _ON_THEIR_WAY_S))
    around = times[first : last + 1]
    gaps = [(b - a, b) for a, b in itertools.pairwise(around) if b >= kill_s]
    return max(gaps)[1] if gaps else kill_s


def _in_recovery(sent_s: float, killed_at_s: Sequence[float], recovery_s: Sequence[float]) -> bool:
    # A second on top: the backlog of the outage takes a moment to drain.
    spans = zip(killed_at_s, recovery_s, strict=True)
    return any(kill_s - 0.1 <= sent_s <= kill_s + took_s + 1.0 for kill_s, took_s in spans)
