"""Which repeated answers at-least-once delivery may give: found, and told apart. No Kafka."""

import pytest

from tests.chaos.oracle import Seen
from tests.chaos.repeats import take_out, unexplained
from tests.kafka.tap import TapRecord

INTERVAL_S = 0.5


def _seen(*results: tuple[bytes, float]) -> Seen:
    records = [TapRecord(n, b"asset", value, at_s) for n, (value, at_s) in enumerate(results)]
    return Seen({0: records, 1: records[:1]}, {}, {}, {})


def test_only_the_first_copy_of_the_same_bytes_in_a_partition_stays() -> None:
    seen = _seen((b"one", 1.0), (b"two", 2.0), (b"one", 3.0), (b"One", 4.0), (b"one", 5.0))
    once, first_seen_s = take_out(seen)
    assert [r.value for r in once.results[0]] == [b"one", b"two", b"One"]
    assert len(once.results[1]) == 1
    assert first_seen_s == [1.0, 1.0]


@pytest.mark.parametrize(
    ("first_s", "kills_s", "count"),
    [
        (9.8, [10.0], 0),
        (9.8, [], 1),
        (9.8, [4.0, 10.0], 0),
        (7.0, [10.0], 1),
        (12.5, [10.0], 1),
    ],
)
def test_a_repeat_needs_a_kill_soon_after_its_first_copy(
    first_s: float, kills_s: list[float], count: int
) -> None:
    repeats = take_out(_seen((b"one", first_s), (b"one", 14.0)))
    assert unexplained(repeats, kills_s, INTERVAL_S) == count
