"""The horizontal autoscaler's rules over a fleet that answers at most so many ticks a second each.

After https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale: every 15 s the
largest of what the triggers want, each within a tolerance of a tenth, bounded by the policies and
held back for the stabilisation windows.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["Second", "play"]

_SYNC_S: Final = 15
_TOLERANCE: Final = 0.1
_RATE_S: Final = 120


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a fleet: its workers, and the ticks that wait at its end."""

    workers: int
    lag: float


@dataclass
class _Rule:
    """One direction: `stabilizationWindowSeconds` and its only policy, which counts pods."""

    window_s: int
    pods: int
    period_s: int
    moved: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def read(cls, behaviour: Mapping[str, Any]) -> "_Rule":
        [policy] = behaviour["policies"]
        assert policy["type"] == "Pods"
        window_s = behaviour["stabilizationWindowSeconds"]
        return cls(window_s, policy["value"], policy["periodSeconds"])

    def allowed(self, now_s: int, wanted: int) -> int:
        """How many pods of those wanted may come or go now."""
        recent = sum(count for at_s, count in self.moved if at_s > now_s - self.period_s)
        count = max(min(wanted, self.pods - recent), 0)
        self.moved.append((now_s, count))
        return count


def play(
    spec: Mapping[str, Any], *, arrivals: float, capacity: float, workers: int, hours: float
) -> Iterator[Second]:
    """A steady load under a ScaledObject's specification.

    Args:
        spec: with a trigger on lag and, if it has a second one, that on the rate of answers.
        arrivals: ticks a second.
        capacity: the same that one worker answers at most.
        workers: to begin with.
        hours: how long.
    """
    behaviour = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    up, down = _Rule.read(behaviour["scaleUp"]), _Rule.read(behaviour["scaleDown"])
    thresholds = [float(one["metadata"]["threshold"]) for one in spec["triggers"]]
    low, high = spec["minReplicaCount"], spec["maxReplicaCount"]
    lag, answered, wishes = 0.0, [0.0], list[int]()
    for now_s in range(int(hours * 3600)):
        done = min(lag + arrivals, capacity * workers)
        lag += arrivals - done
        answered.append(answered[-1] + done)
        if now_s % _SYNC_S == 0:
            since = max(len(answered) - 1 - _RATE_S, 0)
            rate = (answered[-1] - answered[since]) / (len(answered) - 1 - since)
            values = zip((lag, rate), thresholds, strict=False)
            wish = max(_wanted(value, threshold, workers) for value, threshold in values)
            wishes.append(min(max(wish, low), high))
            least = min(wishes[-1 - up.window_s // _SYNC_S :])
            most = max(wishes[-1 - down.window_s // _SYNC_S :])
            if least > workers:
                workers += up.allowed(now_s, least - workers)
            elif most < workers:
                workers -= down.allowed(now_s, workers - most)
        yield Second(workers, lag)


def _wanted(value: float, threshold: float, workers: int) -> int:
    ratio = value / (threshold * workers)
    return workers if abs(ratio - 1.0) <= _TOLERANCE else math.ceil(value / threshold)
