"""The alerts: few, each about something a person must do, each with a page in docs/runbook."""

from dataclasses import dataclass
from typing import Final, Literal

from ops.monitoring.selector import FLEET, STARTED, UP, WORKER, of
from workers.telemetry.metrics import M

__all__ = ["ALERTS", "Alert"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule. `critical` wakes somebody; `warning` is for working hours.

    Attributes:
        name: as Prometheus shows it; its page is docs/runbook/<name>.md.
        expr: fires while this is not empty.
        hold: how long it must be so, as Prometheus writes durations.
        severity: who is told.
        summary: one line, with Prometheus' templates.
    """

    name: str
    expr: str
    hold: str
    severity: Literal["critical", "warning"]
    summary: str


def _happened(counter: str, minutes: int, *, by: str) -> str:
    """Anything counted within so many minutes. A series that began in them has no increase yet, and
    one of a process that did has none either where it comes to what its last life had counted."""
    window = f"{minutes}m"
    begun = f"({counter} unless {counter} offset {window})"
    young = f"on (job, instance) time() - {STARTED} < {60 * minutes}"
    return (
        f"sum by ({by}) (increase({counter}[{window}]) > 0 or {begun} > 0 "
        f"or {counter} > 0 and {young}) > 0"
    )


_WHO: Final = "{{ or $labels.pod $labels.instance }}"
_LIVE: Final = of(M.PARTITIONS, 'phase="live"')
_RECOVERING: Final = of(M.PARTITIONS, 'phase=~"restoring|replaying"')
_COLD: Final = of(M.RECOVERIES, 'source="cold"')
# Workers that are not reached count as none live; the second half: there is none to be reached.
# A fleet of which nothing is left has no targets: it is remembered for a day.
_NO_OWNER: Final = (
    f"sum by ({FLEET}) ({_LIVE} or 0 * last_over_time({UP}[1d])) == 0 or absent({UP})"
)
_UNSAVED: Final = (
    f"max by ({WORKER}, partition) ({of(M.SNAPSHOT_AGE_SECONDS)}) "
    f"> on ({WORKER}) group_left () "
    f"(60 + 6 * max by ({WORKER}) ({of(M.SNAPSHOT_INTERVAL_SECONDS)})) "
    f"and on ({WORKER}) sum by ({WORKER}) (rate({of(M.TICKS)}[2m])) > 0"
)
# Where nothing comes any more, the age of the newest tick goes with the clock. Where ticks are late
# already as they come, none waits: they are answered at once, and their age stays.
_LATE: Final = (
    f"max by ({FLEET}, partition) ({of(M.LAG_SECONDS)}) > 60 and on ({FLEET}, partition) "
    f"(max by ({FLEET}, partition) ({of(M.LAG_RECORDS)}) > 0 "
    f"or min by ({FLEET}, partition) (deriv({of(M.LAG_SECONDS)}[3m])) < 0.9)"
)

ALERTS: Final[tuple[Alert, ...]] = (
    Alert(
        "TickFleetNobodyAnswers",
        _NO_OWNER,
        "1m",
        "critical",
        "No worker has a live partition: no tick is answered",
    ),
    Alert(
        "TickFleetPartitionFailed",
        f"max by ({WORKER}) ({of(M.FAILED_PARTITIONS)}) > 0",
        "1m",
        "critical",
        _WHO + " has stopped {{ $value }} partition(s) for an operator to decide",
    ),
    Alert(
        "TickFleetStateLost",
        _happened(_COLD, 15, by=FLEET),
        "0m",
        "critical",
        "A partition began anew with empty state: forecasts of its assets are warming up",
    ),
    Alert(
        "TickFleetWorkerDown",
        f"{UP} == 0",
        "2m",
        "warning",
        f"{_WHO} is not reached",
    ),
    Alert(
        "TickFleetLoopSilent",
        f"max by ({WORKER}) ({of(M.LOOP_SILENT_SECONDS)}) > 20",
        "30s",
        "warning",
        _WHO + " has not gone round its loop for {{ $value | humanizeDuration }}",
    ),
    Alert(
        "TickFleetLagRecords",
        f"sum by ({FLEET}) ({of(M.LAG_RECORDS)}) > 100000",
        "5m",
        "warning",
        "{{ $value | humanize }} ticks are waiting",
    ),
    Alert(
        "TickFleetLagSeconds",
        _LATE,
        "5m",
        "critical",
        "Partition {{ $labels.partition }} answers ticks that are {{ $value | humanizeDuration }}"
        " old",
    ),
    Alert(
        "TickFleetRecoveryStuck",
        f"sum by ({FLEET}) ({_RECOVERING}) > 0",
        "10m",
        "warning",
        "{{ $value }} partition(s) have been recovering for ten minutes",
    ),
    Alert(
        "TickFleetSnapshotOld",
        _UNSAVED,
        "2m",
        "warning",
        "Partition {{ $labels.partition }} was last saved {{ $value | humanizeDuration }} ago",
    ),
    Alert(
        "TickFleetSnapshotDamaged",
        _happened(of(M.CORRUPT_SNAPSHOTS), 60, by=f"{FLEET}, partition"),
        "0m",
        "warning",
        "The store has altered or lost objects of a snapshot of partition {{ $labels.partition }}",
    ),
    Alert(
        "TickFleetCommitsFail",
        f"sum by ({WORKER}) (rate({of(M.COMMIT_FAILURES)}[5m])) > 0.05",
        "5m",
        "warning",
        f"{_WHO} aborts transactions and recovers again and again",
    ),
    Alert(
        "TickFleetRebalancing",
        f"sum by ({FLEET}) (increase({of(M.REBALANCES)}[10m])) / count by ({FLEET}) ({UP}) > 10",
        "5m",
        "warning",
        "Partitions keep moving between workers",
    ),
    Alert(
        "TickFleetDeadLetters",
        f"sum by ({FLEET}, error) (rate({of(M.DEAD_LETTERS)}[5m])) "
        f"> on ({FLEET}) group_left () 0.01 * sum by ({FLEET}) (rate({of(M.TICKS)}[5m]))",
        "5m",
        "warning",
        "More than one record in a hundred is refused: {{ $labels.error }}",
    ),
    Alert(
        "TickFleetOverloaded",
        f"max by ({WORKER}) ({of(M.LATENCY_RATIO)}) > 0.9",
        "10m",
        "warning",
        f"{_WHO} computes as long as ticks take to come: load is shed",
    ),
    Alert(
        "TickFleetOutputsSlow",
        f"sum by ({WORKER}) (rate({of(M.BACKPRESSURE_SECONDS)}[5m])) > 0.3",
        "10m",
        "warning",
        f"{_WHO} waits a third of its time for the brokers to take results",
    ),
)
