"""A store that misbehaves: every call ends, after a bounded number of requests, in a typed error.

That calls end at all is what the timeout below checks; the endpoint's hang is longer than the
client's read timeout, and a body that trickles would take minutes.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from snapshots import (
    IntegrityError,
    ObjectStore,
    StoreAccessError,
    StoreError,
    StoreOptions,
    restore,
    state_digest,
)
from snapshots.retention import collect_garbage
from snapshots.s3_store import S3Store
from snapshots.writer import SnapshotWriter
from tests.snapshots.builders import HEADER, SCOPE, advance, make_image
from tests.snapshots.faulty_proxy import Fault, Plan, faulty_proxy

pytestmark = [pytest.mark.s3, pytest.mark.timeout(60)]

ATTEMPTS = 2


@pytest.fixture
def proxied(s3_endpoint: str, bucket: str) -> Iterator[tuple[ObjectStore, Plan]]:
    with faulty_proxy(s3_endpoint) as (url, plan):
        options = StoreOptions(
            endpoint_url=url,
            region="us-east-1",
            addressing_style="path",
            connect_timeout_s=5.0,
            read_timeout_s=0.8,
            body_timeout_s=0.6,
            max_attempts=ATTEMPTS,
        )
        yield S3Store(bucket, "p", options), plan


PASSING = [
    Fault.ERROR_500,
    Fault.SLOW_DOWN,
    Fault.HANG,
    Fault.HANG_AFTER_SUCCESS,
    Fault.GARBAGE,
]


# Every attempt costs a read timeout here: two calls of the four are enough.
HANGS = {Fault.HANG, Fault.HANG_AFTER_SUCCESS}


@pytest.mark.parametrize("fault", PASSING)
def test_one_fault_is_bridged(proxied: tuple[ObjectStore, Plan], fault: Fault) -> None:
    store, plan = proxied
    plan.next.append(fault)
    store.put("a/b", b"data")
    plan.next.append(fault)
    assert store.get("a/b") == b"data"
    if fault in HANGS:
        return
    plan.next.append(fault)
    assert store.list("a/") == ["a/b"]
    plan.next.append(fault)
    store.delete("a/b")
    assert store.list("a/") == []


@pytest.mark.parametrize("fault", PASSING)
def test_lasting_faults_are_retryable_errors_after_bounded_attempts(
    proxied: tuple[ObjectStore, Plan], fault: Fault
) -> None:
    store, plan = proxied
    plan.then = fault
    calls: list[Callable[[], object]] = [
        lambda: store.put("a/b", b"x"),
        lambda: store.get("a/b"),
        lambda: store.list("a/"),
        lambda: store.delete("a/b"),
    ]
    for call in calls[: 2 if fault in HANGS else 4]:
        plan.requests.clear()
        with pytest.raises(StoreError):
            call()
        assert len(plan.requests) == ATTEMPTS


def test_garbage_of_any_size_takes_two_requests(proxied: tuple[ObjectStore, Plan]) -> None:
    store, plan = proxied
    writer = SnapshotWriter(store, HEADER)
    image = make_image(200)
    for _ in range(4):
        writer.submit(SCOPE, image).result()
        image = advance(image, [0, 70, 130])
    plan.requests.clear()
    report = collect_garbage(store, SCOPE, keep=1, protected=(), older_than_s=2e10)
    assert (report.deleted_manifests, report.deleted_chunks) == (3, 9)
    assert [one for one in plan.requests if one != "GET"] == ["POST", "POST"]
    assert len(store.list(SCOPE.prefix)) == 5
    assert writer.close(timeout_s=30)


def test_a_server_that_deletes_one_by_one_is_asked_so(proxied: tuple[ObjectStore, Plan]) -> None:
    store, plan = proxied
    for key in ("a/1", "a/2", "b"):
        store.put(key, b"x")
    plan.requests.clear()
    plan.next.append(Fault.NOT_IMPLEMENTED)
    store.delete_all(["a/1", "a/2"])
    assert plan.requests == ["POST", "DELETE", "DELETE"]
    assert store.list("") == ["b"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.DENIED, StoreAccessError),
        (Fault.DENIED_WITHIN, StoreAccessError),
        (Fault.ERROR_500, StoreError),
        (Fault.CUT, StoreError),
    ],
)
def test_what_cannot_be_deleted_is_an_error(
    proxied: tuple[ObjectStore, Plan], fault: Fault, error: type[Exception]
) -> None:
    store, plan = proxied
    plan.then = fault
    with pytest.raises(error, match="a/"):
        store.delete_all(["a/1", "a/2"])
    assert "DELETE" not in plan.requests


def test_a_write_whose_reply_was_lost_is_there(proxied: tuple[ObjectStore, Plan]) -> None:
    store, plan = proxied
    plan.then = Fault.HANG_AFTER_SUCCESS
    with pytest.raises(StoreError):
        store.put("a/b", b"data")
    plan.then = Fault.NONE
    assert store.get("a/b") == b"data"


@pytest.mark.parametrize("fault", [Fault.TRUNCATE, Fault.FLIP_BIT])
def test_one_damaged_body_is_read_again(proxied: tuple[ObjectStore, Plan], fault: Fault) -> None:
    store, plan = proxied
    store.put("a/b", b"data" * 1000)
    plan.next.append(fault)
    assert store.get("a/b") == b"data" * 1000


def test_a_body_that_always_breaks_off_is_retryable(proxied: tuple[ObjectStore, Plan]) -> None:
    store, plan = proxied
    store.put("a/b", b"data" * 1000)
    plan.requests.clear()
    plan.then = Fault.TRUNCATE
    with pytest.raises(StoreError):
        store.get("a/b")
    assert len(plan.requests) == ATTEMPTS


def test_a_body_that_always_fails_its_checksum_is_damage(
    proxied: tuple[ObjectStore, Plan],
) -> None:
    store, plan = proxied
    store.put("a/b", b"data" * 1000)
    plan.requests.clear()
    plan.then = Fault.FLIP_BIT
    with pytest.raises(IntegrityError):
        store.get("a/b")
    assert len(plan.requests) == ATTEMPTS


def test_a_body_that_trickles_is_given_up(proxied: tuple[ObjectStore, Plan]) -> None:
    store, plan = proxied
    store.put("a/b", bytes(1 << 18))  # 13 s at this pace
    plan.then = Fault.TRICKLE
    begun_s = time.monotonic()
    with pytest.raises(StoreError, match="slow"):
        store.get("a/b")
    assert time.monotonic() - begun_s < 6.0


def test_refusals_are_fatal_and_not_repeated(proxied: tuple[ObjectStore, Plan]) -> None:
    store, plan = proxied
    plan.then = Fault.DENIED
    with pytest.raises(StoreAccessError, match="permissions"):
        store.get("a/b")
    assert len(plan.requests) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.put("a/b", b"x"),
        lambda store: store.get("a/b"),
        lambda store: store.list("a/"),
        lambda store: store.delete("a/b"),
        lambda store: store.delete_all(["a/b"]),
    ],
)
def test_an_endpoint_that_only_redirects_is_said_to(
    proxied: tuple[ObjectStore, Plan], call: Callable[[ObjectStore], object]
) -> None:
    store, plan = proxied
    plan.then = Fault.REDIRECT
    with pytest.raises(StoreAccessError, match="a redirect; set endpoint_url"):
        call(store)


def test_snapshots_survive_a_store_that_fails_in_between(
    proxied: tuple[ObjectStore, Plan],
) -> None:
    store, plan = proxied
    writer = SnapshotWriter(store, HEADER, threads=1)
    first = make_image(130)
    writer.submit(SCOPE, first).result()
    second = advance(first, [5])
    plan.then = Fault.SLOW_DOWN
    with pytest.raises(StoreError):
        writer.submit(SCOPE, second).result()
    plan.then = Fault.NONE
    third = advance(second, [129])
    plan.next.append(Fault.HANG_AFTER_SUCCESS)
    ref = writer.submit(SCOPE, third).result()
    assert writer.close(timeout_s=30)
    for fault in (Fault.FLIP_BIT, Fault.TRUNCATE, Fault.ERROR_500):
        plan.next.append(fault)
        assert state_digest(restore(store, HEADER, SCOPE, ref).image) == state_digest(third)
