"""Load shedding on injected traces (spec §15's black swan without a clock)."""

from dataclasses import replace

import pytest

from core import AVAILABLE_KERNELS, Kernel
from workers import ConfigurationError, M, MetricDef, NullTelemetry
from workers.clock import SystemClock
from workers.config import WorkerConfig
from workers.decider import Decider
from workers.decisions import Decision
from workers.flag_events import shedding_event
from workers.partition import Partition
from workers.shedding import LoadShedder, SheddingPolicy
from workers.spans import JournalSpan


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
