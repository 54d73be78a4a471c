"""Where the findings of the doctor begin: offsets, ages, clocks and retention. No Kafka."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ops.doctor import transactions
from ops.doctor.cluster import check_topics
from ops.doctor.commits import _partition
from ops.doctor.finding import Status
from ops.doctor.replication import check_replication
from ops.doctor.site import Site
from ops.doctor.storage import _check_clock
from ops.fleet import Commit
from ops.topics import TopicInfo
from snapshots import ObjectEntry, SnapshotWriter
from tests.snapshots.builders import HEADER, SCOPE, make_image
from tests.snapshots.memory_store import MemoryStore
from workers import WorkerConfig

SITE = cast(Site, SimpleNamespace(config=WorkerConfig("b:1", SCOPE.group, "w", "file:///unused")))
NAMES = SITE.config.topics


@pytest.mark.parametrize(
    ("retained", "expected"),
    [
        (range(100, 100), []),  # an idle fleet's snapshot gets as old as it likes
        (range(100, 101), [(Status.WARNING, "1 records behind")]),
        (range(99), [(Status.FAILED, "the topic ends at 99: it was recreated")]),
        (range(101, 200), [(Status.FAILED, "retention has passed the committed 100")]),
    ],
)
def test_a_commit_at_offset_100_with_an_old_snapshot(
    retained: range, expected: list[tuple[Status, str]]
) -> None:
    store: Any = MemoryStore()  # its clock stands in 1970
    writer = SnapshotWriter(store, HEADER)
    ref = writer.submit(SCOPE, make_image(5, offset=100)).result()
    assert writer.close(10.0)
    commit = Commit(100, ref.metadata)
    found = list(_partition(SITE, store, SCOPE.partition, commit, retained))
    assert [one.status for one in found] == [status for status, _ in expected]
    assert all(text in one.message for one, (_, text) in zip(found, expected, strict=True))


def test_a_snapshot_whose_chunks_are_gone_is_of_no_use() -> None:
    store: Any = MemoryStore()
    writer = SnapshotWriter(store, HEADER)
    ref = writer.submit(SCOPE, make_image(130, offset=100)).result()
    assert writer.close(10.0)
    del store.objects[store.list(SCOPE.chunk_prefix)[0]]
    commit = Commit(100, ref.metadata)
    [found] = _partition(SITE, store, SCOPE.partition, commit, range(100, 100))
    assert found.status is Status.FAILED
    assert "1 of the 3 chunks" in found.message


class _Behind(MemoryStore):
    """Gives a manifest by its name, and does not list it yet."""

    def entries(self, prefix: str) -> Sequence[ObjectEntry]:
        return [] if prefix == SCOPE.manifest_prefix else super().entries(prefix)


def test_of_a_snapshot_that_is_not_listed_yet_no_age_is_told() -> None:
    store: Any = _Behind()
    writer = SnapshotWriter(store, HEADER)
    ref = writer.submit(SCOPE, make_image(5, offset=100)).result()
    assert writer.close(10.0)
    commit = Commit(100, ref.metadata)
    assert list(_partition(SITE, store, SCOPE.partition, commit, range(100, 101))) == []


@pytest.mark.parametrize(
    ("skew_s", "status"),
    [
        (5.0, Status.OK),
        (-5.0, Status.OK),
        (5.1, Status.WARNING),
        (-5.1, Status.WARNING),
        (1_801.0, Status.FAILED),
        (-1_801.0, Status.FAILED),
    ],
)
def test_a_clock_may_be_wrong_in_both_directions(skew_s: float, status: Status) -> None:
    assert [one.status for one in _check_clock(skew_s)] == [status]


@pytest.mark.parametrize(
    ("retention_ms", "statuses"),
    [
        ("-1", [Status.OK]),  # for ever
        ("86400000", [Status.OK]),
        ("86399999", [Status.OK, Status.WARNING]),
    ],
)
def test_ticks_shall_be_kept_for_a_day_at_least(retention_ms: str, statuses: list[Status]) -> None:
    names = SITE.config.topics
    topics = {name: TopicInfo(name, 4, 1, {}) for name in names.all()}
    topics[names.ticks] = TopicInfo(names.ticks, 4, 1, {"retention.ms": retention_ms})
    site = cast(Site, SimpleNamespace(config=SITE.config, topics=topics))
    assert [one.status for one in check_topics(site)] == statuses


def test_only_predictions_may_be_compacted() -> None:
    config = {"cleanup.policy": "compact,delete"}
    topics = {name: TopicInfo(name, 4, 1, config) for name in NAMES.all()}
    site = cast(Site, SimpleNamespace(config=SITE.config, topics=topics))
    found = [one.message for one in check_topics(site) if one.status is Status.FAILED]
    assert [one.partition(" is compacted")[0] for one in found] == [
        NAMES.ticks,
        NAMES.journal,
        NAMES.flags,
        NAMES.dead_letters,
    ]


@pytest.mark.parametrize(
    ("limits", "problems"),
    [
        ({}, []),  # where the brokers do not tell
        (dict.fromkeys(NAMES.all(), 1_048_588), []),
        ({NAMES.predictions: 20_000}, [(Status.WARNING, "predictions takes 20000")]),
        ({NAMES.flags: 8_191}, [(Status.FAILED, "flags takes 8191 bytes at once: too little")]),
        ({NAMES.ticks: 2_000_000, NAMES.dead_letters: 2_000_000}, []),
        (
            {NAMES.ticks: 2_000_000, NAMES.dead_letters: 1_999_999},
            [(Status.WARNING, "what is larger is cut in its letter")],
        ),
    ],
)
def test_what_topics_take_shall_hold_what_is_written(
    limits: dict[str, int], problems: list[tuple[Status, str]]
) -> None:
    told = {name: {"max.message.bytes": str(limit)} for name, limit in limits.items()}
    topics = {name: TopicInfo(name, 4, 1, told.get(name, {})) for name in NAMES.all()}
    site = cast(Site, SimpleNamespace(config=SITE.config, topics=topics))
    found = [one for one in check_topics(site) if one.status is not Status.OK]
    assert [one.status for one in found] == [status for status, _ in problems]
    assert all(text in one.message for one, (_, text) in zip(found, problems, strict=True))


@pytest.mark.parametrize(
    ("brokers", "replicas", "in_sync", "problems"),
    [
        (1, 1, "1", []),  # as on a desk: that there is one broker is said already
        (2, 1, "1", ["1 replica(s), 2 are to be had"]),
        (2, 2, "1", []),
        (2, 2, "2", ["nothing is taken while a broker is away"]),
        (3, 1, "1", ["1 replica(s), 3 are to be had"]),
        (3, 1, None, ["1 replica(s), 3 are to be had"]),
        (3, 3, "1", ["what one broker alone has taken is lost"]),
        (3, 3, None, []),  # where the brokers do not tell
        (3, 3, "2", []),
        (3, 3, "3", ["nothing is taken while a broker is away"]),
        (9, 5, "2", []),
    ],
)
def test_topics_shall_outlive_a_broker(
    brokers: int, replicas: int, in_sync: str | None, problems: list[str]
) -> None:
    config = {} if in_sync is None else {"min.insync.replicas": in_sync}
    topics = {name: TopicInfo(name, 4, replicas, config) for name in NAMES.all()}
    found = list(check_replication(cast(Site, SimpleNamespace(topics=topics, brokers=brokers))))
    assert [one.status for one in found] == [Status.WARNING] * len(problems)
    assert all(text in one.message for one, text in zip(found, problems, strict=True))
    assert all(f"{', '.join(NAMES.all())}: " in one.message and one.remedy for one in found)


def test_no_replica_that_is_behind_shall_lead() -> None:
    topics = {
        name: TopicInfo(name, 4, 3, {"unclean.leader.election.enable": str(on).lower()})
        for name, on in ((NAMES.ticks, True), (NAMES.flags, False), (NAMES.journal, True))
    }
    [found] = check_replication(cast(Site, SimpleNamespace(topics=topics, brokers=3)))
    assert found.status is Status.WARNING and found.remedy
    assert found.message.startswith(f"{NAMES.ticks}, {NAMES.journal}: unclean.leader")


@pytest.mark.parametrize(("later", "status"), [(5, Status.WARNING), (7, Status.OK)])
def test_a_transaction_hangs_that_is_open_at_the_same_place(
    monkeypatch: pytest.MonkeyPatch, later: int, status: Status
) -> None:
    seen = iter([{("journal", 0): 5}, {("journal", 0): later}])
    monkeypatch.setattr(transactions, "_held_back", lambda _site: next(seen))
    monkeypatch.setattr(transactions, "_WATCH_S", 0.0)
    site = cast(Site, SimpleNamespace(config=SITE.config, laid_out=True))
    assert [one.status for one in transactions.check_transactions(site)] == [status]
