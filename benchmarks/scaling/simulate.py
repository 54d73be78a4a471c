"""A hundred workers, one of which dies at a random moment: how long are its partitions silent?

The broker's assignor is played (sticky: the orphans go to whoever has least); each new owner
loads and replays its orphans beside its own work. Partitions were saved at random moments of the
snapshot interval, as in a fleet that was not started all at once.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from benchmarks.scaling.figures import Figures
from benchmarks.scaling.plan import PARTITIONS_A_WORKER, Load, plan, recovery_s

__all__ = ["Outage", "kill_workers", "rolling_restart_s"]


@dataclass(frozen=True, slots=True)
class Outage:
    """Silence of the orphaned partitions, in seconds, over all trials; and how many moved."""

    silence_s: Float[ndarray, " partitions"]
    moved_share: float

    def quantile(self, share: float) -> float:
        """Of the silence."""
        return float(np.quantile(self.silence_s, share))


def kill_workers(load: Load, measured: Figures, *, killed: int, trials: int, seed: int) -> Outage:
    """Kill `killed` workers at once and keep them away, many times."""
    needed = plan(load, measured)
    rng = np.random.default_rng(seed)
    silences, moved = [], 0
    for _ in range(trials):
        owner = np.repeat(np.arange(needed.workers), needed.partitions // needed.workers)
        dead = rng.choice(needed.workers, killed, replace=False)
        orphans = np.flatnonzero(np.isin(owner, dead))
        unsaved_s = rng.uniform(0.0, load.snapshot_interval_s, orphans.size)
        held = np.bincount(owner, minlength=needed.workers).astype(float)
        held[dead] = np.inf
        ready_s = np.zeros(needed.workers)
        for place in rng.permutation(orphans.size):
            heir = int(held.argmin())
            held[heir] += 1
            ready_s[heir] += recovery_s(
                load, measured, needed.partitions, unsaved_s[place], moved=1
            )
            silences.append(load.session_timeout_s + ready_s[heir])
        moved += orphans.size
    return Outage(np.array(silences), moved / (trials * needed.partitions))


def rolling_restart_s(load: Load, measured: Figures) -> tuple[float, float]:
    """(the whole restart, silence of each worker's partitions), one worker after the other.

    A stop in order saves the state first, so nothing is replayed; with static membership the
    partitions come back to the same worker.
    """
    needed = plan(load, measured)
    loading_s = recovery_s(load, measured, needed.partitions, 0.0, moved=PARTITIONS_A_WORKER)
    silent_s = measured.stop_s + measured.start_s + loading_s
    return needed.workers * silent_s, silent_s
