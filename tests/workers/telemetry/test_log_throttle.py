"""A flood of equal lines becomes a few with counts, and none is lost from the count."""

from collections import Counter
from collections.abc import Sequence

from structlog.testing import capture_logs

from ops.local.process import free_port
from workers import NullTelemetry, WorkerConfig
from workers.clock import SystemClock
from workers.group.membership import Membership
from workers.telemetry.log_throttle import LogThrottle


def test_the_first_of_a_kind_is_written_at_once_then_one_an_interval() -> None:
    throttle = LogThrottle(10.0)
    assert throttle.due("away", 0.0) == 0
    assert [throttle.due("away", float(second)) for second in range(1, 10)] == [None] * 9
    assert throttle.due("away", 10.0) == 9
    assert throttle.due("away", 19.9) is None
    assert throttle.due("away", 20.0) == 1


def test_a_kind_that_was_quiet_is_written_at_once_again_with_what_was_kept_back() -> None:
    throttle = LogThrottle(10.0)
    assert throttle.due("away", 0.0) == 0
    assert throttle.due("away", 1.0) is None
    assert throttle.due("away", 500.0) == 1
    assert throttle.due("away", 501.0) is None


def test_kinds_do_not_hold_each_other_back() -> None:
    throttle = LogThrottle(10.0)
    assert throttle.due("away", 0.0) == 0
    assert throttle.due("refused", 0.1) == 0
    assert throttle.due("away", 0.2) is None


def test_lines_and_counts_add_up_to_what_came() -> None:
    throttle = LogThrottle(10.0)
    counts = [throttle.due("away", 0.05 * number) for number in range(2_401)]
    written = [count for count in counts if count is not None]
    assert len(written) == 13
    assert sum(written) + len(written) == len(counts)


class _Nobody:
    def on_assigned(self, partitions: Sequence[int]) -> None:
        """Never called: there is no group."""

    on_revoked = on_lost = on_assigned


def test_a_member_without_brokers_says_so_once_and_not_at_every_attempt() -> None:
    config = WorkerConfig(
        f"127.0.0.1:{free_port()}",
        "group",
        "w-0",
        "file:///unused",
        kafka={"reconnect.backoff.ms": "1", "reconnect.backoff.max.ms": "10"},
    )
    clock = SystemClock()
    with capture_logs() as lines:
        member = Membership(config, _Nobody(), NullTelemetry(), clock)
        until_s = clock.monotonic_s() + 1.0
        while clock.monotonic_s() < until_s:
            member.fetch(1, 0.05)
        member.close()
    errors = Counter(line["code"] for line in lines if line["event"] == "kafka_error")
    assert errors["_TRANSPORT"] == 1
    assert set(errors.values()) == {1}, errors
