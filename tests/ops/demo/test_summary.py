"""The summary's figures from made-up times."""

import numpy as np
import pytest

from core import OUTPUT_ROWS
from ops.demo.subscriber import Seen
from ops.demo.summary import summarise
from schemas import ResultCodec, ResultColumns, SingleObjectFraming

CODEC = ResultCodec(SingleObjectFraming())


def results(offsets: list[int], partition: int, seen_s: list[float]) -> list[Seen]:
    count = len(offsets)
    values = CODEC.encode_batch(
        ResultColumns(
            source_topic="ticks",
            source_partition=np.full(count, partition, dtype=np.int32),
            source_offset=np.array(offsets),
            sequence=np.arange(count) + 1,
            asset_id=[b"A"] * count,
            timestamp_ns=np.zeros(count, dtype=np.int64),
            processing_time_ns=np.zeros(count, dtype=np.int64),
            outputs=np.zeros((count, OUTPUT_ROWS)),
        )
    )
    return [Seen(partition, v, s) for v, s in zip(values, seen_s, strict=True)]


def test_latency_leaves_recoveries_out_and_recovery_is_the_longest_silence() -> None:
    sent = {(0, i): 100.0 + i for i in range(20)} | {(1, i): 100.0 + i for i in range(20)}
    seen = [100.02 + i for i in range(20)]
    # A kill at 105.5 silences partition 1 until 108.5.
    late = [s if s < 105.5 else max(s, 108.5) for s in seen]
    summary = summarise(
        sent,
        results(list(range(20)), 0, seen) + results(list(range(20)), 1, late),
        CODEC,
        flags={},
        killed_at_s=[105.5],
    )
    assert summary.report.holds
    assert summary.recovery_s == pytest.approx([3.0])
    assert summary.latency_ms == pytest.approx((20.0, 20.0), abs=0.5)


def test_what_the_dead_worker_had_committed_is_no_recovery() -> None:
    seen = [104.0, 105.0, 105.6, 109.0, 109.1]
    both = results(list(range(5)), 0, seen) + results(list(range(20)), 1, [100.0] * 20)
    summary = summarise({}, both, CODEC, flags={}, killed_at_s=[105.5, 120.0])
    assert summary.recovery_s == pytest.approx([3.5, 0.0])


def test_a_lost_result_is_reported_as_missing() -> None:
    sent = {(0, i): 100.0 for i in range(3)}
    seen = results([0, 2], 0, [100.1, 100.2])
    report = summarise(sent, seen, CODEC, flags={}, killed_at_s=[]).report
    assert (report.ticks, report.results, report.missing) == (3, 2, 1)
    assert not report.holds
