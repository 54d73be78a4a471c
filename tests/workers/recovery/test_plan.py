"""Every way a partition can begin: offsets as a table, no Kafka."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest

from core import PredictorConfig
from schemas import JournalRecord
from snapshots import ManifestRef, PartitionImage, Restored, RestoreReport
from workers.config import ColdStart, MissingHistory, WorkerConfig
from workers.errors import HistoryLostError
from workers.journal.reader import JournalTail
from workers.recovery.findings import Findings
from workers.recovery.plan import make_plan

CONFIG = WorkerConfig("localhost:1", "group", "w-0", "file:///snapshots")
STOP = replace(CONFIG, missing_history=MissingHistory.STOP)
COLD = replace(CONFIG, missing_history=MissingHistory.COLD_START)


def journal(*spans: tuple[int, int], trimmed: bool = False, end: int = 100) -> JournalTail:
    """Read from 7 on, where the snapshot has it."""
    ours = CONFIG.predictor.fingerprint()
    records = [JournalRecord(a, b, 0, 3, 5, ours, "w") for a, b in spans]
    return JournalTail(records, position=7, low=8 if trimmed else 0, end=end)


REF: Final = ManifestRef(30, "0" * 64)


def snapshot(offset: int) -> Restored:
    empty = np.zeros(0, dtype=np.int64)
    image = PartitionImage(
        offset, 7, (), np.zeros((0, 3)), empty, empty, np.zeros(0, dtype=np.bool_)
    )
    return Restored(image, ManifestRef(offset, "0" * 64), None, RestoreReport())  # type: ignore[arg-type]


FRESH = Findings(
    partition=3,
    committed_offset=-1001,
    low=0,
    high=50,
    restored=None,
    refused="",
    journal=journal(),
)


def test_a_new_group_begins_at_the_earliest_tick() -> None:
    plan = make_plan(CONFIG, replace(FRESH, low=5))
    assert (plan.source, plan.start_offset, plan.commit_offset, plan.emitted_to) == (
        "genesis", 5, 5, 4,
    )  # fmt: skip


def test_a_new_group_may_begin_at_the_end_warmed_up_by_the_ticks_before() -> None:
    config = replace(CONFIG, cold_start=ColdStart.LATEST, cold_start_rewind=20)
    plan = make_plan(config, FRESH)
    assert (plan.start_offset, plan.commit_offset, plan.emitted_to) == (30, 50, 49)
    assert plan.log.lookup(3, np.array([30, 49])).processing_time_ns.tolist() == [-1, -1]


def test_a_warm_up_begins_no_earlier_than_the_input() -> None:
    config = replace(CONFIG, cold_start=ColdStart.LATEST, cold_start_rewind=20)
    plan = make_plan(config, replace(FRESH, low=40))
    assert (plan.start_offset, plan.commit_offset, plan.emitted_to) == (40, 50, 49)
    assert plan.log.first_offset == 40


def test_a_group_that_died_before_its_first_snapshot_replays_its_journal() -> None:
    found = replace(FRESH, committed_offset=10, journal=journal((10, 19), (20, 24)))
    plan = make_plan(CONFIG, found)
    assert (plan.start_offset, plan.commit_offset, plan.emitted_to) == (10, 10, 24)


@pytest.mark.parametrize(("committed", "first"), [(10, 12), (12, 10)])
def test_it_begins_where_the_commit_or_the_journal_does_whichever_is_earlier(
    committed: int, first: int
) -> None:
    found = replace(FRESH, committed_offset=committed, journal=journal((first, 19)))
    plan = make_plan(CONFIG, replace(found, journal_begun=True))
    assert (plan.source, plan.start_offset, plan.emitted_to) == ("genesis", 10, 19)


def test_a_group_that_has_answered_nothing_needs_nothing_in_its_journal() -> None:
    plan = make_plan(STOP, replace(FRESH, committed_offset=10))
    assert (plan.source, plan.start_offset, plan.emitted_to) == ("genesis", 10, 9)


def test_the_warm_up_of_a_group_without_snapshot_is_repeated_as_it_was() -> None:
    config = replace(CONFIG, cold_start=ColdStart.LATEST, cold_start_rewind=5)
    plan = make_plan(config, replace(FRESH, committed_offset=40, journal=journal((40, 44))))
    assert (plan.start_offset, plan.commit_offset, plan.emitted_to) == (35, 40, 44)


def test_a_snapshot_and_the_journal_after_it() -> None:
    found = replace(
        FRESH, committed_offset=30, restored=snapshot(30), journal=journal((20, 29), (30, 41))
    )
    plan = make_plan(CONFIG, found)
    assert (plan.source, plan.start_offset, plan.commit_offset, plan.emitted_to) == (
        "snapshot", 30, 30, 41,
    )  # fmt: skip


def test_a_snapshot_with_nothing_answered_after_it() -> None:
    found = replace(FRESH, committed_offset=30, restored=snapshot(30))
    assert make_plan(CONFIG, found).emitted_to == 29


def test_a_snapshot_at_the_first_retained_offset_is_enough() -> None:
    found = replace(FRESH, committed_offset=30, restored=snapshot(30), low=30)
    assert (make_plan(STOP, found).source, make_plan(STOP, found).start_offset) == ("snapshot", 30)


def test_the_parent_of_a_corrupt_snapshot_means_a_longer_replay() -> None:
    found = replace(
        FRESH,
        committed_offset=30,
        restored=snapshot(12),
        refused="30: bad hash",
        journal=journal((12, 29), (30, 41)),
    )
    plan = make_plan(CONFIG, found)
    assert (plan.source, plan.start_offset, plan.commit_offset, plan.emitted_to) == (
        "parent", 12, 12, 41,
    )  # fmt: skip


def test_no_valid_snapshot_but_everything_retained_is_a_rebuild() -> None:
    found = replace(FRESH, committed_offset=30, refused="all bad", journal=journal((0, 41)))
    plan = make_plan(CONFIG, found)
    assert (plan.source, plan.start_offset, plan.emitted_to) == ("rebuild", 0, 41)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(FRESH, committed_offset=60), "recreated"),
        (replace(FRESH, committed_offset=51), "recreated"),
        (replace(FRESH, journal=journal((0, 41))), "created anew"),
        (
            replace(FRESH, committed_offset=30, restored=snapshot(30), low=31),
            "retention has passed",
        ),
        (
            replace(FRESH, committed_offset=30, refused="bad", journal=journal((2, 41)), low=3),
            "no snapshot can be used",
        ),
        (
            replace(FRESH, committed_offset=30, refused="bad", journal=journal(trimmed=True)),
            "journal",
        ),
        (
            replace(
                FRESH, committed_offset=30, refused="bad", journal=journal((20, 41), trimmed=True)
            ),
            "retention has removed journal records",
        ),
        (
            replace(FRESH, committed_offset=9, restored=snapshot(9), journal=journal(trimmed=True)),
            "journal",
        ),
        (replace(FRESH, committed_offset=10, low=11, journal=journal((10, 12))), "no snapshot yet"),
        (
            replace(FRESH, committed_offset=9, restored=snapshot(9), journal=journal(end=6)),
            "names another topic, or it was created anew or truncated",
        ),
        (
            replace(
                FRESH,
                committed_offset=9,
                restored=snapshot(9),
                journal=journal((12, 20), (21, 30), trimmed=True),
            ),
            "removed journal records",
        ),
        (replace(FRESH, committed_offset=10, journal_begun=True), "names another topic"),
        (replace(FRESH, unnamed=REF), "snapshot of the group at offset 30"),
        (replace(FRESH, unnamed=REF, journal=journal(trimmed=True)), "snapshot restore"),
        (replace(FRESH, committed_offset=30, refused="bad"), "does not reach up to it"),
        (
            replace(
                FRESH,
                committed_offset=30,
                restored=snapshot(12),
                refused="bad",
                journal=journal((12, 28)),
            ),
            "does not reach up to it",
        ),
    ],
)
def test_lost_history_stops_the_partition_or_starts_cold_without_answering_twice(
    found: Findings, words: str
) -> None:
    with pytest.raises(HistoryLostError, match=words):
        make_plan(STOP, found)
    plan = make_plan(COLD, found)
    assert plan.source == "cold"
    assert plan.restored is None
    assert plan.start_offset >= found.low
    answered = max([r.to_offset for r in found.journal.records], default=-1)
    if answered < found.high and found.committed_offset <= found.high:
        assert plan.emitted_to >= max(answered, found.committed_offset - 1)


@pytest.mark.parametrize(
    "found",
    [
        replace(FRESH, restored=snapshot(9), journal=journal(trimmed=True)),
        replace(FRESH, restored=snapshot(9), journal=journal(end=0)),
        replace(FRESH, restored=snapshot(5), refused="bad"),
        replace(FRESH, refused="bad"),
        replace(FRESH, journal_begun=True),
    ],
)
def test_where_nothing_tells_what_was_answered_a_cold_start_answers_only_what_comes_later(
    found: Findings,
) -> None:
    plan = make_plan(COLD, replace(found, committed_offset=9))
    assert (plan.source, plan.commit_offset, plan.emitted_to) == ("cold", 50, 49)


@pytest.mark.parametrize(
    ("trimmed", "cold_start", "begin"),
    [
        (False, ColdStart.EARLIEST, 5),
        (False, ColdStart.LATEST, 50),
        (True, ColdStart.EARLIEST, 50),
    ],
)
def test_a_group_may_begin_anew_beside_snapshots_that_no_commit_names(
    cold_start: ColdStart, begin: int, *, trimmed: bool
) -> None:
    config = replace(COLD, cold_start=cold_start)
    found = replace(FRESH, low=5, unnamed=REF, journal=journal(trimmed=trimmed))
    plan = make_plan(config, found)
    assert (plan.source, plan.commit_offset, plan.emitted_to) == ("cold", begin, begin - 1)
    assert not plan.resumes


@pytest.mark.parametrize(
    ("spans", "emitted_to"), [(((8, 9), (10, 12)), 12), (((9, 9),), 9), (((3, 8),), 8), ((), 8)]
)
def test_a_trimmed_journal_that_tells_of_all_behind_the_snapshot_is_enough(
    spans: tuple[tuple[int, int], ...], emitted_to: int
) -> None:
    tail = journal(*spans, trimmed=True)
    found = replace(FRESH, committed_offset=9, restored=snapshot(9), high=13, journal=tail)
    plan = make_plan(STOP, found if spans else replace(found, high=9))
    assert (plan.source, plan.start_offset, plan.emitted_to) == ("snapshot", 9, emitted_to)


def test_a_journal_that_ends_where_the_snapshot_has_it_is_whole() -> None:
    found = replace(FRESH, committed_offset=9, restored=snapshot(9), journal=journal(end=7))
    assert make_plan(CONFIG, found).source == "snapshot"


@pytest.mark.parametrize("committed_offset", [51, 60])
def test_a_cold_start_on_a_recreated_topic_begins_at_its_first_tick(committed_offset: int) -> None:
    plan = make_plan(COLD, replace(FRESH, committed_offset=committed_offset))
    assert (plan.start_offset, plan.commit_offset, plan.emitted_to) == (0, 0, -1)


@pytest.mark.parametrize(
    ("high", "begin"),
    [(31, 31), (40, 40), (41, 41), (42, 42), (50, 42)],
    ids=["far", "near", "by one", "as long again", "longer again"],
)
@pytest.mark.parametrize("rewind", [0, 5])
def test_a_cold_start_on_a_log_that_was_cut_begins_behind_all_that_was_answered_of_it(
    rewind: int, high: int, begin: int
) -> None:
    config = replace(COLD, cold_start_rewind=rewind)
    found = replace(FRESH, committed_offset=30, restored=snapshot(30), journal=journal((30, 41)))
    plan = make_plan(config, replace(found, high=high, same_topic=True, lost="cut"))
    assert (plan.source, plan.start_offset, plan.commit_offset, plan.emitted_to) == (
        "cold", begin - rewind, begin, begin - 1,
    )  # fmt: skip


def answered_with(dtype: str | None) -> JournalTail:
    """Before the first snapshot."""
    tail = journal((0, 4), (5, 9))
    return replace(tail, records=[replace(record, dtype=dtype) for record in tail.records])


@pytest.mark.parametrize("config", [STOP, COLD])
@pytest.mark.parametrize("refused", ["", "all bad"])
@pytest.mark.parametrize(
    ("ours", "words"),
    [
        ({"predictor": PredictorConfig(cusum_h=9.0)}, r"fingerprint .* put \[predictor\] back"),
        ({"dtype": "float32"}, "dtype float64, here it is float32: put dtype back"),
    ],
)
def test_what_another_configuration_answered_is_not_replayed_under_this_one(
    config: WorkerConfig, refused: str, ours: dict[str, Any], words: str
) -> None:
    tail = answered_with("float64")
    found = replace(FRESH, committed_offset=0, refused=refused, journal=tail)
    assert make_plan(config, found).emitted_to == 9
    with pytest.raises(HistoryLostError, match=f"w answered under {words}"):
        make_plan(replace(config, **ours), found)


def test_a_journal_that_does_not_tell_its_dtype_is_taken() -> None:
    found = replace(FRESH, committed_offset=0, journal=answered_with(None))
    assert make_plan(replace(CONFIG, dtype="float32"), found).emitted_to == 9


@pytest.mark.parametrize("config", [STOP, COLD])
@pytest.mark.parametrize(
    "found",
    [
        replace(FRESH, journal=journal((0, 4), (5, 9))),
        replace(FRESH, committed_offset=0, journal=journal((0, 4), (5, 9))),
        replace(FRESH, committed_offset=5, restored=snapshot(5), journal=journal((5, 6), (5, 9))),
    ],
)
@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"group": "other"}, r"the group other too .*v-0.* of its own"),
        ({"source_topic": "other"}, r"fleet of this group that answers other too .*v-0"),
    ],
)
def test_answers_of_another_fleet_are_never_taken_for_ours(
    config: WorkerConfig, found: Findings, other: dict[str, str], words: str
) -> None:
    first, second = found.journal.records
    for theirs in (0, 1):
        records = [replace(one, group="group", source_topic="ticks") for one in (first, second)]
        records[theirs] = replace(records[theirs], worker="v-0", **other)  # type: ignore[arg-type]
        shared = replace(found, journal=replace(found.journal, records=records))
        with pytest.raises(HistoryLostError, match=words) as caught:
            make_plan(config, shared)
        assert caught.value.offset == records[theirs].from_offset


@pytest.mark.parametrize(("group", "topic"), [(None, None), ("group", None), ("group", "ticks")])
def test_a_journal_of_this_fleet_or_of_before_it_was_told_is_taken(
    group: str | None, topic: str | None
) -> None:
    records = [
        replace(record, group=group, source_topic=topic)
        for record in journal((0, 4), (5, 9)).records
    ]
    found = replace(FRESH, committed_offset=0, journal=replace(journal(), records=records))
    assert make_plan(STOP, found).emitted_to == 9
