"""Replayed results against made-up published ones: what counts as a difference. No Kafka."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from core import AVAILABLE_KERNELS, OUTPUT_ROWS, Output
from schemas import FlagEventCodec, ResultCodec, ResultColumns, SingleObjectFraming
from workers.replay.engine import Stepped
from workers.replay.verifying.published import Published, PublishedRecord
from workers.replay.verifying.verify import Verification, Verifier

CODEC = ResultCodec(SingleObjectFraming())
FLAGS = FlagEventCodec(SingleObjectFraming())


def results(partition: int, offsets: Sequence[int]) -> ResultColumns:
    """One result of asset A for each offset."""
    count, numbers = len(offsets), np.array(offsets, dtype=np.int64)
    outputs = np.zeros((count, OUTPUT_ROWS))
    outputs[:, Output.SIGNATURE_DEPTH] = 3.0
    outputs[:, Output.KERNEL_MASK] = float(AVAILABLE_KERNELS)
    return ResultColumns(
        source_topic="ticks",
        source_partition=np.full(count, partition, dtype=np.int32),
        source_offset=numbers,
        sequence=numbers,
        asset_id=[b"A"] * count,
        timestamp_ns=numbers,
        processing_time_ns=numbers,
        outputs=outputs,
    )


def records(columns: ResultColumns) -> list[PublishedRecord]:
    """What live publishes of them."""
    values = CODEC.encode_batch(columns)
    return [PublishedRecord(n, b"A", value) for n, value in enumerate(values)]


class Topic:
    """Published records of one partition, the first `low` of which retention has removed."""

    def __init__(self, held: Sequence[PublishedRecord], low: int = 0) -> None:
        self._held = list(held)
        self.low = low

    def peek(self) -> PublishedRecord | None:
        return self._held[0] if self._held else None

    def pop(self) -> None:
        del self._held[0]

    def close(self) -> None:
        """Nothing is open."""


def verified(
    *replayed: ResultColumns,
    published: dict[int, Topic],
    begin: int = 0,
    end: int = 8,
    repeats_allowed: bool = False,
) -> Verification:
    verifier = Verifier(
        CODEC,
        FLAGS,
        lambda number: cast(Published, published[number]),
        {},
        dict.fromkeys(published, begin),
        end=dict.fromkeys(published, end),
        repeats_allowed=repeats_allowed,
        flags=None,
    )
    for columns in replayed:
        price = np.zeros(len(columns.asset_id))
        verifier.see(Stepped(columns, price, price, np.arange(price.size)))
    return Verification.read(verifier.summary())


LIVE = results(0, [5, 6, 7])


def test_the_same_bytes_hold() -> None:
    found = verified(LIVE, published={0: Topic(records(LIVE))})
    assert (found.results, found.differences, found.holds) == (3, 0, True)


def test_other_bytes_or_another_key_are_a_difference_of_that_offset() -> None:
    changed = replace(LIVE, outputs=LIVE.outputs + (np.arange(3) == 1)[:, None] * 1e-9)
    found = verified(LIVE, published={0: Topic(records(changed))})
    assert (found.results, found.differences) == (3, 1)
    assert found.first is not None and found.first.offset == 6
    keyed = [replace(one, key=b"B") if one.offset == 2 else one for one in records(LIVE)]
    found = verified(LIVE, published={0: Topic(keyed)})
    assert (found.results, found.differences) == (3, 1)
    assert found.first is not None and found.first.offset == 7


def test_only_what_retention_has_removed_from_the_front_may_be_missing() -> None:
    live = records(LIVE)
    found = verified(LIVE, published={0: Topic(live[1:], low=1)})
    assert (found.results, found.not_retained, found.differences) == (2, 1, 0)
    for held, low in (([live[0], live[2]], 1), (live[1:], 0)):
        found = verified(LIVE, published={0: Topic(held, low)})
        assert (found.results, found.not_retained, found.differences) == (2, 0, 1)
    found = verified(LIVE, published={0: Topic([])})
    assert found.first is not None
    assert (found.differences, found.first.offset) == (3, 5), "the first one is told"


@pytest.mark.parametrize("repeats_allowed", [False, True])
def test_repetitions_count_where_delivery_allows_them(*, repeats_allowed: bool) -> None:
    live = records(LIVE)
    topic = Topic([*live[:2], *live[:2], live[2], live[2]])
    found = verified(LIVE, published={0: topic}, repeats_allowed=repeats_allowed)
    assert found.results == 3
    assert (found.repeated, found.differences) == ((3, 0) if repeats_allowed else (0, 3))


@pytest.mark.parametrize("repeats_allowed", [False, True])
def test_what_a_crash_answered_under_lost_decisions_counts_as_a_repetition(
    *, repeats_allowed: bool
) -> None:
    lost = records(replace(LIVE, processing_time_ns=LIVE.processing_time_ns + 1))
    for published, repeated in (
        ([*lost[:2], *records(LIVE)], 2),
        ([*lost[:2], *lost[:1], *records(LIVE)], 3),
        ([*lost, *records(LIVE)], 3),
    ):
        found = verified(LIVE, published={0: Topic(published)}, repeats_allowed=repeats_allowed)
        assert found.results == 3
        assert found.holds == repeats_allowed
        assert found.repeated == (repeated if repeats_allowed else 0)


def test_decisions_that_were_lost_must_have_been_made_anew() -> None:
    lost = records(replace(LIVE, processing_time_ns=LIVE.processing_time_ns + 1))
    topic = Topic([*lost, *records(LIVE)[:2]])
    found = verified(LIVE, published={0: topic}, repeats_allowed=True)
    assert (found.results, found.repeated, found.differences) == (3, 2, 1)
    assert found.first is not None and found.first.offset == 7


@pytest.mark.parametrize("repeats_allowed", [False, True])
def test_a_result_of_a_tick_that_was_not_accepted_is_never_allowed(
    *, repeats_allowed: bool
) -> None:
    live = Topic(records(LIVE))
    replayed = results(0, [5, 7])
    found = verified(replayed, published={0: live}, repeats_allowed=repeats_allowed)
    assert (found.results, found.repeated, found.differences) == (2, 0, 1)
    assert found.first is not None and "no such tick was accepted" in found.first.cause


@pytest.mark.parametrize(("begin", "differences"), [(6, 0), (5, 1)])
def test_what_lies_before_the_range_is_passed_over(begin: int, differences: int) -> None:
    found = verified(results(0, [6, 7]), published={0: Topic(records(LIVE))}, begin=begin)
    assert (found.results, found.differences) == (2, differences)


def test_each_partition_is_read_to_its_last_result() -> None:
    other = results(1, [0, 1])
    first = Topic([*records(LIVE), records(LIVE)[2]])
    second = Topic(records(results(1, [0, 1, 8, 9])))
    third = Topic(records(results(2, [8])))
    found = verified(LIVE, other, published={0: first, 1: second, 2: third})
    assert (found.results, found.differences) == (5, 1)
    assert found.beyond == 3, "what live answered later is counted"
    assert found.first is not None and (found.first.partition, found.first.offset) == (0, 7)
