"""Plays a scenario and judges it."""

import itertools
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from core import AVAILABLE_KERNELS, Kernel, PredictorConfig
from tests.chaos.judge import Verdict, judge
from tests.chaos.load import feed
from tests.chaos.oracle import Expected, Oracle, Seen
from tests.chaos.repeats import take_out, unexplained
from tests.chaos.scenario import Scenario
from tests.chaos.stage import Stage

__all__ = ["Outcome", "play"]

_START_S: Final = 240.0
_SAMPLE_S: Final = 0.1
_LAST_INPUTS_S: Final = 1.0


@dataclass(frozen=True)
class Outcome:
    """How a scenario ended.

    Attributes:
        scenario: what was played.
        verdict: what the oracle says.
        log: what happened when, seconds since the start.
        lag: (seconds, inputs without a visible answer), sampled.
        silence_s: longest time a partition that ever gave a result gave none.
    """

    scenario: Scenario
    verdict: Verdict
    log: Sequence[tuple[float, str]]
    lag: Sequence[tuple[float, int]]
    silence_s: float


def play(scenario: Scenario, stage: Stage) -> Outcome:
    """Play a scenario on a stage whose workers do not run yet."""
    fleet = stage.fleet
    for number in range(scenario.workers):
        stage.start_worker(f"w-{number}")
    fleet.wait_for(
        lambda: fleet.logs().count("partition_live") >= scenario.partitions,
        _START_S,
        "a live fleet",
    )
    feeder = threading.Thread(target=feed, args=(stage.kafka, fleet.ticks, scenario))
    begun_s = time.monotonic()
    feeder.start()
    lag = _strike_and_watch(scenario, stage, feeder, begun_s)
    feeder.join()
    stage.await_timers()
    _settle(scenario, stage, lag)
    ended_s = time.monotonic()
    fleet.stop()
    assert not (scenario.steadfast and stage.deaths), f"{stage.log}\n{fleet.log_ends()}"
    seen = stage.close()
    inputs = stage.inputs()
    config = PredictorConfig(**scenario.settings.get("predictor", {}))
    oracle = Oracle(fleet.ticks, config, scenario.settings.get("dtype", "float64"))
    expected = oracle.expect(inputs, seen.journal, Kernel(AVAILABLE_KERNELS))
    return Outcome(
        scenario,
        _verdict(scenario, stage, expected, seen),
        stage.log,
        lag,
        _longest_silence(seen, begun_s, ended_s),
    )


def _verdict(scenario: Scenario, stage: Stage, expected: Expected, seen: Seen) -> Verdict:
    if not scenario.at_least_once:
        return judge(expected, seen)
    repeats = take_out(seen)
    stage.note(f"{len(repeats.first_seen_s)} records came again")
    verdict = judge(expected, repeats.once)
    strays = unexplained(repeats, stage.kills_s, scenario.commit_interval_s)
    return replace(verdict, repeated=verdict.repeated + strays)


def _strike_and_watch(
    scenario: Scenario, stage: Stage, feeder: threading.Thread, begun_s: float
) -> list[tuple[float, int]]:
    waiting = sorted(scenario.faults, key=lambda fault: fault.at_s)
    lag = []
    while waiting or feeder.is_alive():
        if waiting and time.monotonic() - begun_s >= waiting[0].at_s:
            waiting.pop(0).strike(stage)
        stage.keep_alive()
        lag.append((time.monotonic() - stage.begun_s, stage.lag()))
        time.sleep(_SAMPLE_S)
    return lag


def _settle(scenario: Scenario, stage: Stage, lag: list[tuple[float, int]]) -> None:
    deadline_s = time.monotonic() + scenario.settle_s
    time.sleep(_LAST_INPUTS_S)
    while stage.lag() > 0:
        stage.keep_alive()
        lag.append((time.monotonic() - stage.begun_s, stage.lag()))
        assert time.monotonic() < deadline_s, (
            f"{scenario.name}: {stage.lag()} inputs are not answered after "
            f"{scenario.settle_s} s\n{stage.log}\n{stage.fleet.log_ends()}"
        )
        time.sleep(_SAMPLE_S)
    lag.append((time.monotonic() - stage.begun_s, stage.lag()))


def _longest_silence(seen: Seen, begun_s: float, ended_s: float) -> float:
    longest_s = 0.0
    for records in filter(None, seen.results.values()):
        times = [begun_s, *(r.seen_s for r in records), ended_s]
        longest_s = max(longest_s, *(b - a for a, b in itertools.pairwise(times)))
    return longest_s
