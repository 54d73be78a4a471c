"""The decision log: what recovery may rely on."""

import numpy as np
import pytest

from schemas import EVENT_TIME, JournalRecord
from schemas.journal import MOST_REJECTED
from workers.batching.decisions import Decision
from workers.batching.verdicts import Verdict
from workers.journal.decision_log import DecisionLog, UncoveredOffsetError


def record(
    from_offset: int, to_offset: int, depth: int = 3, *, rejected: tuple[int, ...] | None = None
) -> JournalRecord:
    return JournalRecord(
        from_offset, to_offset, from_offset * 10, depth, 5, "f" * 16, "w", rejected
    )


def test_each_offset_finds_the_record_that_covers_it() -> None:
    log = DecisionLog([record(0, 4), record(5, 5, depth=2), record(9, 20)])
    found = log.lookup(0, np.array([0, 4, 5, 9, 20]))
    assert found.processing_time_ns.tolist() == [0, 0, 50, 90, 90]
    assert found.depth.tolist() == [3, 3, 2, 3, 3]
    assert (log.first_offset, log.emitted_to) == (0, 20)
    assert log.last == Decision(90, 3, 5)


@pytest.mark.parametrize("offset", [4, 8, 21])
def test_an_offset_between_or_outside_records_is_an_error_that_names_it(offset: int) -> None:
    log = DecisionLog([record(5, 7), record(9, 20)])
    with pytest.raises(UncoveredOffsetError) as caught:
        log.lookup(3, np.array([5, offset]))
    assert (caught.value.partition, caught.value.offset) == (3, offset)


def test_of_two_records_over_one_offset_the_first_written_counts() -> None:
    log = DecisionLog([record(0, 9, depth=5), record(3, 9, depth=2), record(10, 12)])
    assert log.lookup(0, np.array([3, 10])).depth.tolist() == [5, 3]


def test_what_a_later_record_alone_covers_counts() -> None:
    # A zombie answered 200..299 after its heir, which answers from 200 on, had read the journal.
    log = DecisionLog([record(200, 299, 5), *(record(a, a + 69, 2) for a in (200, 270, 340))])
    assert log.lookup(0, np.array([299, 300, 339, 340, 409])).depth.tolist() == [5, 2, 2, 2, 2]
    assert log.emitted_to == 409


def test_an_empty_log_covers_nothing() -> None:
    log = DecisionLog()
    assert len(log) == 0
    assert log.emitted_to is None and log.first_offset is None and log.last is None
    with pytest.raises(UncoveredOffsetError):
        log.lookup(0, np.array([0]))


def test_a_warm_up_precedes_the_journal() -> None:
    warm = DecisionLog.warm_up(2, 4, Decision(EVENT_TIME, 3, 5))
    log = warm.then(DecisionLog([record(5, 6)]))
    assert log.lookup(0, np.array([2, 4, 5])).processing_time_ns.tolist() == [-1, -1, 50]
    assert log.emitted_to == 6
    assert len(DecisionLog.warm_up(5, 4, Decision(EVENT_TIME, 3, 5))) == 0
    assert DecisionLog.warm_up(5, 5, Decision(EVENT_TIME, 3, 5)).emitted_to == 5


def test_it_tells_which_records_were_no_ticks_where_the_journal_does() -> None:
    log = DecisionLog([record(0, 4, rejected=(1, 4)), record(5, 6), record(9, 20, rejected=())])
    told = log.verdicts(np.array([0, 1, 3, 4, 5, 6, 8, 9, 20, 21])).tolist()
    yes, no, unknown = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.OPEN
    assert told == [yes, no, yes, no, unknown, unknown, unknown, yes, yes, unknown]
    warm = DecisionLog.warm_up(0, 4, Decision(EVENT_TIME, 3, 5)).then(
        DecisionLog([record(5, 6, rejected=(0,))])
    )
    assert warm.verdicts(np.array([4, 5, 6])).tolist() == [unknown, no, yes]


def test_of_two_words_on_one_record_the_first_written_counts() -> None:
    # At least once, a zombie took the price at 204 and its heir did not; at 206 the other way.
    log = DecisionLog([record(200, 205, rejected=()), record(203, 208, rejected=(1, 3))])
    told = log.verdicts(np.array([203, 204, 205, 206, 207])).tolist()
    assert told == [*[Verdict.ACCEPTED] * 3, Verdict.REJECTED, Verdict.ACCEPTED]


def test_it_names_the_ends_of_ranges_and_what_was_rejected() -> None:
    log = DecisionLog([record(2, 9, rejected=(3,)), record(12, 12), record(14, 20)])
    named = [2, 5, 9, 12, 14, 20]
    assert np.flatnonzero(log.names(np.arange(30))).tolist() == named
    assert log.first_vanished(range(30), np.array(named)) is None, "others may be markers"
    for gone in named:
        left = np.array([one for one in range(30) if one != gone])
        assert log.first_vanished(range(30), left) == gone
        assert log.first_vanished(range(gone), left) is None
        assert log.first_vanished(range(gone + 1, 30), left) is None


def test_a_range_that_is_cut_because_much_was_rejected_may_end_at_no_record() -> None:
    much = tuple(range(1, MOST_REJECTED + 1))
    log = DecisionLog([record(0, 1_000, rejected=much), record(1_001, 2_000, rejected=(0,))])
    assert not log.names(np.array([1_000]))[0]
    assert log.names(np.array([0, MOST_REJECTED, 1_001, 2_000])).all()


def test_whatever_one_of_two_records_names_of_one_range_was_there() -> None:
    log = DecisionLog([record(200, 205, rejected=()), record(203, 208, rejected=(1,))])
    assert log.names(np.array([200, 203, 204, 205, 208])).all()


def test_a_warm_up_names_nothing() -> None:
    warm = DecisionLog.warm_up(2, 4, Decision(EVENT_TIME, 3, 5))
    assert not warm.names(np.arange(9)).any()
    assert warm.then(DecisionLog([record(5, 6)])).first_vanished(range(9), np.array([6])) == 5
