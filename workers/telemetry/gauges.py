"""What is told of the loop once a second: lag, phases, snapshot ages, readiness, calls."""

from collections.abc import Mapping
from typing import Final, Protocol

import jax
import structlog

from workers.assignment import Assignment
from workers.brokers.topic_watch import TopicWatch
from workers.clock import Clock
from workers.compute.state_table import StateTable
from workers.group.membership import Membership
from workers.partition import Partition, Phase
from workers.telemetry.health import WorkerHealth
from workers.telemetry.metrics import M, Telemetry

__all__ = ["Gauges", "device_memory"]

_log = structlog.get_logger()
_EVERY_S = 1.0
_CLOCKS_APART_NS: Final = 60_000_000_000
"""What is dated further ahead is a mistake, and would hide how late everything else is."""
_MEMORY_KINDS: Final = {
    "in_use": "bytes_in_use",
    "peak": "peak_bytes_in_use",
    "limit": "bytes_limit",
}
_OF_PARTITIONS: Final = (M.LAG_RECORDS, M.LAG_SECONDS, M.SNAPSHOT_AGE_SECONDS)


class _Device(Protocol):
    """What is asked of a device of JAX."""

    def memory_stats(self) -> Mapping[str, int] | None:
        """Its allocator's figures; None where it keeps none, as on CPUs."""


def device_memory(device: _Device) -> dict[str, int]:
    """Bytes in use, at most in use so far, and usable (specification section 5)."""
    stats = device.memory_stats() or {}
    return {kind: int(stats[name]) for kind, name in _MEMORY_KINDS.items() if name in stats}


class Gauges:
    """Looks at the worker and reports; cheap enough for the loop's thread.

    Args:
        assignment: the partitions.
        table: the assets.
        topic_watch: knows where partitions end while the client does not, where the group stands
            in those that step nothing, and whether they may be read.
        clock: spaces the reports.
        telemetry: where to.
        health: readiness: the group has given us what it will, every partition live, none failed,
            and the ticks may be read.
    """

    def __init__(
        self,
        assignment: Assignment,
        table: StateTable,
        topic_watch: TopicWatch,
        *,
        clock: Clock,
        telemetry: Telemetry,
        health: WorkerHealth,
    ) -> None:
        self._assignment = assignment
        self._table = table
        self._topic_watch = topic_watch
        self._clock = clock
        self._telemetry = telemetry
        self._health = health
        self._reported_s = float("-inf")
        self._reported_calls = self._reported_alone = 0
        self._ready: bool | None = None
        self._told_of: set[int] = set()
        self._newest_ns: dict[int, int] = {}

    def report(self, membership: Membership, *, ready: bool) -> None:
        """Readiness whenever it changes; everything else once a second.

        Args:
            membership: the seat in the group.
            ready: whether outputs are taken, and nothing that was fetched is left undone.
        """
        phases = {phase: self._assignment.count(phase) for phase in Phase}
        served = membership.joined and self._topic_watch.readable
        settled = served and sum(phases.values()) == phases[Phase.LIVE]
        now_s = self._clock.monotonic_s()
        due = now_s - self._reported_s >= _EVERY_S
        if not due and self._ready == (ready and settled):
            return
        self._ready = ready and settled
        detail = {str(phase): count for phase, count in phases.items()}
        self._health.update(ready=self._ready, phase="running", assets=self._table.assets, **detail)
        if due:
            self._reported_s = now_s
            self._report_all(membership, now_s, ready=ready)

    def _report_all(self, membership: Membership, now_s: float, *, ready: bool) -> None:
        telemetry = self._telemetry
        for phase in Phase:
            telemetry.set(M.PARTITIONS, self._assignment.count(phase), phase=str(phase))
        telemetry.set(M.ASSETS, self._table.assets)
        calls, alone = self._table.calls, self._table.ticks_alone
        telemetry.inc(M.STEP_CALLS, calls - self._reported_calls)
        telemetry.inc(M.TICKS_ALONE, alone - self._reported_alone)
        self._reported_calls, self._reported_alone = calls, alone
        for kind, size_bytes in device_memory(jax.local_devices()[0]).items():
            telemetry.set(M.DEVICE_MEMORY, size_bytes, kind=kind)
        partitions = self._assignment.all()
        for partition in partitions:
            if partition.phase is Phase.REPLAYING:
                _log_replay(partition)
            if partition.phase is Phase.LIVE:
                age_s, label = now_s - partition.saved_s, str(partition.number)
                telemetry.set(M.SNAPSHOT_AGE_SECONDS, age_s, partition=label)
            self._report_lag(partition, membership, ready=ready)
            self._report_age(partition)
        self._remove_others({partition.number for partition in partitions})

    def _report_lag(self, partition: Partition, membership: Membership, *, ready: bool) -> None:
        """What is not known stays what it was."""
        number = partition.number
        end = max(membership.end_offset(number), self._topic_watch.end_offset(number))
        done_to = self._done_to(partition, membership, ready=ready)
        if end >= 0 and done_to >= 0:
            lag = max(end - done_to, 0)
            self._telemetry.set(M.LAG_RECORDS, lag, partition=str(number))

    def _done_to(self, partition: Partition, membership: Membership, *, ready: bool) -> int:
        """The offset from which on ticks wait; negative while that is not known.

        What was handed over is stepped by now. What the client passed over since holds no record:
        behind the last tick of a transactional producer there is always a marker. A partition that
        has no state yet, or again none, is to begin at the group's commit.
        """
        if ready and partition.active:
            return max(partition.next_offset, membership.read_to(partition.number))
        return partition.next_offset or self._topic_watch.committed_offset(partition.number)

    def _report_age(self, partition: Partition) -> None:
        """Where the state was dropped, to be recovered, the newest tick ages on."""
        number, label = partition.number, str(partition.number)
        stamps_ns = self._table.last_timestamp_ns[partition.row_array()]
        now_ns = self._clock.now_ns()
        if stamps_ns.size:
            sound = stamps_ns <= now_ns + _CLOCKS_APART_NS
            self._newest_ns[number] = int(stamps_ns[sound].max(initial=0))
        if newest_ns := self._newest_ns.get(number, 0):
            age_s = max(now_ns - newest_ns, 0) * 1e-9
            self._telemetry.set(M.LAG_SECONDS, age_s, partition=label)
        else:
            self._telemetry.remove(M.LAG_SECONDS, partition=label)

    def close(self) -> None:
        """Nothing is told of any partition any more."""
        self._remove_others(set())

    def _remove_others(self, assigned: set[int]) -> None:
        """Of a partition that has left nothing is told: who adds up workers counts it once."""
        for number in self._told_of - assigned:
            for metric in _OF_PARTITIONS:
                self._telemetry.remove(metric, partition=str(number))
            self._newest_ns.pop(number, None)
        self._told_of = assigned


def _log_replay(partition: Partition) -> None:
    """Progress of a replay that takes longer than a second."""
    _log.info(
        "replaying",
        partition=partition.number,
        offset=partition.next_offset,
        answered_to=partition.emitted_to,
        percent=round(100.0 * partition.replayed_share, 1),
    )
