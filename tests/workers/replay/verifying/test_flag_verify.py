"""Replayed flag events against made-up published ones: what counts as a difference. No Kafka."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import cast

import pytest

from core import AVAILABLE_KERNELS
from schemas import (
    FlagEvent,
    FlagEventCodec,
    FlagState,
    FlagType,
    JournalRecord,
    Severity,
    SingleObjectFraming,
    flag_event_id,
)
from tests.workers.replay.verifying.test_verify import Topic
from workers.replay.verifying.flag_verify import FlagComparison, FlagsFound
from workers.replay.verifying.published import Published, PublishedRecord

CODEC = FlagEventCodec(SingleObjectFraming())
DEPTH = 3


def event(
    offset: int,
    asset: str,
    kind: FlagType = FlagType.DOMAIN_ERROR,
    state: FlagState = FlagState.INSTANT,
) -> FlagEvent:
    values: dict[str, float] = {}
    if kind is FlagType.LOAD_SHEDDING:
        values = {"signature_depth": float(DEPTH), "kernel_mask": float(AVAILABLE_KERNELS)}
    identity = flag_event_id("ticks", 0, offset, type=kind, state=state)
    severity = Severity.INFO if kind is FlagType.LOAD_SHEDDING else Severity.WARNING
    return FlagEvent(identity, kind, state, severity, "ticks", 0, offset, asset, 7, 7, values)


def compared(
    expected: Sequence[FlagEvent],
    *published: tuple[Sequence[FlagEvent], int],
    begin: int = 0,
    answered_anew: Collection[tuple[int, int]] = (),
) -> FlagsFound:
    """Published are, by partition, the events and how many records retention has removed."""

    def opened(number: int) -> Published:
        events, low = published[number]
        held = [PublishedRecord(low, b"", CODEC.encode(one)) for one in events]
        return cast(Published, Topic(held, low))

    at_rest = JournalRecord(begin, 99, 7, DEPTH, int(AVAILABLE_KERNELS), "f" * 16, "w")
    comparison = FlagComparison(
        CODEC,
        opened,
        range(len(published)),
        {0: [at_rest]},
        {0: begin},
        end={0: 100},
        source_topic="ticks",
        max_depth=DEPTH,
        repeats_allowed=bool(answered_anew),
    )
    for one in expected:
        comparison.expect(one, CODEC.encode(one))
    return comparison.finish(answered_anew)


A = [event(offset, "A") for offset in (1, 3, 5)]
B = [event(offset, "B") for offset in (2, 4)]


def test_an_event_that_was_not_published_is_told_by_its_tick() -> None:
    found = compared(A, (A[1:], 0))
    assert (found.compared, found.not_retained) == (2, 0)
    assert [one.describe() for one in found.differences] == [
        "partition 0, offset 1 of A: live published no event ticks-0-1-DomainError-instant; "
        "records were deleted"
    ]


def test_what_retention_has_removed_before_an_assets_first_event_is_counted() -> None:
    found = compared([*A, *B], (A[2:], 9), (B, 0))
    assert (found.compared, found.not_retained, found.differences) == (3, 2, [])
    found = compared([*A, *B], ([], 9), (B[1:], 0))
    assert (found.compared, found.not_retained) == (1, 3), "of A nothing is left"
    assert [one.offset for one in found.differences] == [2], "B's partition is whole"
    found = compared(A, ([A[0], A[2]], 9))
    assert [one.offset for one in found.differences] == [3], "what came before it is there"


def test_a_tick_that_was_answered_anew_may_have_raised_something_else_before() -> None:
    before = [replace(one, processing_time_ns=one.processing_time_ns + 1) for one in (*A, *B)]
    anew = [(0, one.source_offset) for one in (*A, *B)]
    assert compared(A, ([*before, *A], 0), answered_anew=anew).differences == []
    found = compared(A, ([*before, *A], 0), answered_anew=anew[1:])
    assert [one.offset for one in found.differences] == [1]
    found = compared(A, ([*before, *A[:2]], 0), answered_anew=anew)
    assert [one.offset for one in found.differences] == [5], "it was never raised as it is now"


@pytest.mark.parametrize(("offset", "differences"), [(5, 0), (6, 1)])
def test_shedding_may_have_ended_with_the_first_record_behind_a_snapshot(
    offset: int, differences: int
) -> None:
    cleared = event(offset, "", FlagType.LOAD_SHEDDING, FlagState.CLEARED)
    assert len(compared([], ([cleared], 0), begin=5).differences) == differences
