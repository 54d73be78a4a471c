"""The orderly end (design §8, spec §8): finish, snapshot, commit, leave; within a time limit.

Invariant: skipping any phase costs the next start a longer replay and nothing else.
"""

from collections.abc import Callable

import structlog

from core.errors import TickFleetError
from workers.metrics import M
from workers.worker import Worker, WorkerParts

__all__ = ["stop_in_order"]

_log = structlog.get_logger()


def stop_in_order(worker: Worker, parts: WorkerParts) -> None:
    """Stop a worker whose loop has ended. Returns within `stop_timeout_s`."""
    begun_s = parts.clock.monotonic_s()
    parts.health.update(ready=False, phase="stopping")
    parts.telemetry.inc(M.SHUTDOWNS)
    residual = sum(len(p.assets) > 0 for p in parts.assignment.live())
    phases: tuple[tuple[str, Callable[[], None]], ...] = (
        ("commit_outputs", lambda: parts.cycle.commit_now(worker.membership)),
        ("final_snapshot", lambda: _snapshot(parts, begun_s)),
        ("commit_snapshot", lambda: parts.cycle.commit_now(worker.membership)),
        ("leave_group", worker.membership.close),
        ("close", lambda: _close(parts, begun_s)),
    )
    for phase, act in phases:
        _log.info("shutdown", shutdown_phase=phase)
        try:
            act()
        except TickFleetError as error:
            _log.warning("shutdown_phase_failed", shutdown_phase=phase, reason=str(error))
    took_s = parts.clock.monotonic_s() - begun_s
    parts.telemetry.observe(M.SHUTDOWN_SECONDS, took_s)
    _log.info("shutdown", shutdown_phase="done", seconds=took_s, partitions=residual)


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


def _close(parts: WorkerParts, begun_s: float) -> None:
    parts.outputs.close()
    parts.desk.close()
    parts.checkpoints.close(_left_s(parts, begun_s, 0.0))
