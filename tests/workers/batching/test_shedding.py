"""Load shedding on injected traces (spec §15's black swan without a clock)."""

from dataclasses import replace

import pytest

from core import AVAILABLE_KERNELS, Kernel
from schemas import EVENT_TIME
from workers import ConfigurationError, M, MetricDef, NullTelemetry
from workers.batching.decider import Decider
from workers.batching.decisions import Decision
from workers.batching.shedding import LoadShedder, SheddingPolicy
from workers.batching.spans import JournalSpan
from workers.clock import SystemClock
from workers.config import ProcessingClock, WorkerConfig
from workers.emission.flag_events import shedding_event
from workers.partition import Partition


def settle(shedder: LoadShedder, ratio: float, batches: int = 40) -> list[int]:
    depths = []
    for _ in range(batches):
        shedder.observe(latency_s=ratio, interval_s=1.0)
        depths.append(shedder.depth)
    return depths


def test_the_black_swan_trace_goes_5_3_2_and_back_never_4() -> None:
    shedder = LoadShedder(5)
    seen = [*settle(shedder, 0.1), *settle(shedder, 0.8), *settle(shedder, 1.5)]
    assert seen[39] == 5 and seen[79] == 3 and seen[119] == 2
    back = settle(shedder, 0.05, 60)
    assert set(seen + back) == {2, 3, 5}
    assert back[-1] == 5


def test_at_most_one_step_up_per_dwell() -> None:
    policy = SheddingPolicy(dwell_batches=7)
    shedder = LoadShedder(5, policy)
    settle(shedder, 2.0)
    steps = settle(shedder, 0.01, 60)
    ups = [i for i in range(1, len(steps)) if steps[i] != steps[i - 1]]
    assert len(ups) == 2 and ups[1] - ups[0] >= policy.dwell_batches


@pytest.mark.parametrize(("max_depth", "ladder"), [(2, {2}), (3, {2, 3}), (4, {2, 3})])
def test_the_configured_depth_caps_the_ladder(max_depth: int, ladder: set[int]) -> None:
    shedder = LoadShedder(max_depth)
    seen = settle(shedder, 0.01) + settle(shedder, 3.0) + settle(shedder, 0.01, 80)
    assert set(seen) == ladder


def test_kernels_are_masked_above_one_and_above_two() -> None:
    shedder = LoadShedder(5)
    settle(shedder, 0.9)
    assert shedder.kernel_mask == AVAILABLE_KERNELS
    settle(shedder, 1.5)
    assert not shedder.kernel_mask & Kernel.C
    settle(shedder, 3.0)
    assert not shedder.kernel_mask & (Kernel.B | Kernel.C)
    assert shedder.kernel_mask & Kernel.A


@pytest.mark.parametrize(
    ("ratio", "depth", "masked"),
    [
        (0.69, 5, Kernel(0)),
        (0.7, 3, Kernel(0)),
        (0.99, 3, Kernel(0)),
        (1.0, 2, Kernel(0)),
        (1.01, 2, Kernel.C),
        (2.0, 2, Kernel.C),
        (2.01, 2, Kernel.B | Kernel.C),
    ],
)
def test_depth_falls_at_a_threshold_and_kernels_go_above_one(
    ratio: float, depth: int, masked: Kernel
) -> None:
    shedder = LoadShedder(5)
    shedder.observe(latency_s=ratio, interval_s=1.0)
    assert (shedder.depth, shedder.kernel_mask) == (depth, AVAILABLE_KERNELS & ~masked)


@pytest.mark.parametrize(("ratio", "depth"), [(0.5, 2), (0.49, 3)])
def test_depth_recovers_below_its_threshold_only(ratio: float, depth: int) -> None:
    shedder = LoadShedder(5, SheddingPolicy(ewma_alpha=1.0, dwell_batches=1))
    for seen in (1.0, ratio):
        shedder.observe(latency_s=seen, interval_s=1.0)
    assert shedder.depth == depth


def test_the_newest_batch_counts_three_tenths_of_both_averages() -> None:
    shedder = LoadShedder(5)
    for latency_s, interval_s in ((1.0, 10.0), (2.0, 20.0), (4.0, 10.0)):
        shedder.observe(latency_s=latency_s, interval_s=interval_s)
    assert shedder.latency_s == pytest.approx(0.7 * 1.3 + 0.3 * 4.0)
    assert shedder.ratio == pytest.approx((0.7 * 1.3 + 0.3 * 4.0) / (0.7 * 13.0 + 0.3 * 10.0))


def test_nothing_is_shed_before_two_batches_are_known() -> None:
    assert LoadShedder(3).ratio == 0.0
    assert LoadShedder(3).depth == 3


@pytest.mark.parametrize("max_depth", [2, 3, 4, 5])
def test_a_shedder_at_rest_raises_no_event(max_depth: int) -> None:
    """Four has no readout of its own: at rest the depth is 3, and nothing is being shed."""
    shedder = LoadShedder(max_depth)
    rest = Decision(0, shedder.depth, shedder.kernel_mask)
    span = JournalSpan(Partition(0, 0.0), 10, 19, rest, None)
    assert shedding_event(span, "ticks", max_depth) is None
    shed = Decision(0, shedder.depth, int(AVAILABLE_KERNELS & ~Kernel.C))
    raised = shedding_event(replace(span, decision=shed), "ticks", max_depth)
    assert raised is not None and raised.state.value == "raised"
    cleared = shedding_event(replace(span, previous=shed), "ticks", max_depth)
    assert cleared is not None and cleared.state.value == "cleared"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"recovery_ratio": 0.9},
            r"shedding\.recovery_ratio must not be above",
        ),
        ({"mask_b_ratio": 0.5}, r"shedding\.critical_ratio must not be above .*mask_b_ratio"),
        ({"ewma_alpha": 0.0}, r"shedding\.ewma_alpha must lie in"),
        ({"dwell_batches": 0}, r"shedding\.dwell_batches must lie in"),
        ({"critical_ratio": float("nan")}, r"shedding\.critical_ratio must lie in"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused_by_name(
    settings: dict[str, float], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SheddingPolicy(**settings)  # type: ignore[arg-type]


class Noon(SystemClock):
    """It is always the same time."""

    def now_ns(self) -> int:
        return 12


@pytest.mark.parametrize(
    ("clock", "expected"), [(ProcessingClock.EVENT, EVENT_TIME), (ProcessingClock.WALL, 12)]
)
def test_the_clock_of_a_decision_is_that_of_the_settings(
    clock: ProcessingClock, expected: int
) -> None:
    config = WorkerConfig("b:1", "g", "w", "file:///s", processing_clock=clock)
    assert Decider(config, Noon(), NullTelemetry()).decide().processing_time_ns == expected


def test_a_worker_that_shall_not_shed_does_not() -> None:
    config = WorkerConfig("b:1", "g", "w", "file:///s", load_shedding=False)
    decider = Decider(config, SystemClock(), NullTelemetry())
    at_rest = decider.decide()
    for begun_s in (0.0, 1.0, 2.0):
        decider.observe(begun_s=begun_s, latency_s=5.0)
    decided = decider.decide()
    assert (decided.depth, decided.kernel_mask) == (at_rest.depth, at_rest.kernel_mask)


def test_a_workers_thresholds_are_those_of_its_settings() -> None:
    config = WorkerConfig("b:1", "g", "w", "file:///s", shedding=SheddingPolicy(ewma_alpha=1.0))
    told: dict[str, float] = {}

    class Memory(NullTelemetry):
        def set(self, metric: MetricDef, value: float, **labels: str) -> None:
            told[metric.name] = value

    decider = Decider(config, SystemClock(), Memory())
    for begun_s in (0.0, 1.0):
        decider.observe(begun_s=begun_s, latency_s=1.5)
    assert told[M.STEP_LATENCY.name] == told[M.LATENCY_RATIO.name] == 1.5
    assert decider.decide().depth == told[M.SIGNATURE_DEPTH.name] == 2
