"""The orderly end (design §8, spec §8): finish, snapshot, commit, leave; within a time limit.

Invariant: skipping any phase costs the next start a longer replay and nothing else.
"""

from collections.abc import Callable

import structlog

from core.errors import TickFleetError
from workers.errors import OutputUncertainError, StalledClientError
from workers.telemetry.metrics import M
from workers.worker import Worker, WorkerParts

__all__ = ["stop_in_order"]

_log = structlog.get_logger()


def stop_in_order(worker: Worker, parts: WorkerParts) -> bool:
    """Stop a worker whose loop has ended. Returns within `stop_timeout_s`.

    Returns:
        False if a thread still waits for the store or Kafka; it would hold up the process's end.
    """
    begun_s = parts.clock.monotonic_s()
    # The loop goes round no more, and a stop may take longer than the loop may hang.
    parts.guard.extend(parts.config.stop_timeout_s)
    parts.health.update(ready=False, phase="stopping")
    parts.telemetry.inc(M.SHUTDOWNS)
    # The loop ends between micro-batches: what was fetched has been stepped, nothing is left over.
    parts.telemetry.observe(M.SHUTDOWN_RESIDUAL, 0.0)
    _log.info("shutdown", shutdown_phase="input_blocked", residual_observations=0)
    for phase, act in _keep(worker, parts, begun_s):
        if worker.uncertain:
            break
        if isinstance(_run(phase, act), OutputUncertainError | StalledClientError):
            worker.doubt()
    if worker.uncertain:
        _run("discard_outputs", parts.outputs.discard)
    parts.ownership.close()
    _run("leave_group", worker.membership.close)
    parts.gauges.close()
    _log.info("shutdown", shutdown_phase="close")
    parts.outputs.close()
    finished = parts.desk.close()
    finished &= parts.checkpoints.close(_left_s(parts, begun_s, 0.0))
    finished &= parts.topic_watch.close()
    finished &= parts.dumps.close(_left_s(parts, begun_s, 0.0))
    took_s = parts.clock.monotonic_s() - begun_s
    parts.telemetry.observe(M.SHUTDOWN_SECONDS, took_s)
    _log.info("shutdown", shutdown_phase="done", seconds=took_s)
    return finished


def _keep(
    worker: Worker, parts: WorkerParts, begun_s: float
) -> tuple[tuple[str, Callable[[], None]], ...]:
    """What spares the next start a replay; not once a commit has failed."""
    return (
        ("commit_outputs", lambda: parts.cycle.commit_now(worker.membership)),
        ("final_snapshot", lambda: _snapshot(parts, begun_s)),
        ("commit_snapshot", lambda: parts.cycle.commit_now(worker.membership)),
    )


def _run(phase: str, act: Callable[[], None]) -> TickFleetError | None:
    _log.info("shutdown", shutdown_phase=phase)
    try:
        act()
    except TickFleetError as error:
        _log.warning("shutdown_phase_failed", shutdown_phase=phase, reason=str(error))
        return error
    return None


def _left_s(parts: WorkerParts, begun_s: float, reserve_s: float) -> float:
    spent_s = parts.clock.monotonic_s() - begun_s
    return max(parts.config.stop_timeout_s - reserve_s - spent_s, 0.0)


def _snapshot(parts: WorkerParts, begun_s: float) -> None:
    """Finish the snapshot in flight, then one more of everything that has moved since."""
    reserve_s = parts.config.stop_timeout_s / 5
    partitions = parts.assignment.all()
    parts.checkpoints.drain(partitions, _left_s(parts, begun_s, reserve_s))
    parts.checkpoints.advance(partitions, due_now=True)
    parts.checkpoints.drain(partitions, _left_s(parts, begun_s, reserve_s))
