"""Of a flood of results a page decodes the newest of each asset."""

from dataclasses import dataclass
from typing import cast

from confluent_kafka import Message

from ops.web.thin import thinned


@dataclass(frozen=True)
class _Arrived:
    """As much of a message as is looked at: those of librdkafka cannot be made."""

    place: int
    asset: bytes
    at_ms: int

    def key(self) -> bytes:
        return self.asset

    def timestamp(self) -> tuple[int, int]:
        return 1, self.at_ms


def _flood(count: int) -> list[Message]:
    made = [_Arrived(n, b"AB"[n % 2 : n % 2 + 1], n // 10) for n in range(count)]
    return cast("list[Message]", made)


def test_few_are_all_kept() -> None:
    assert thinned(_flood(1_000)) == _flood(1_000)


def test_of_many_the_newest_two_of_each_asset_in_a_tenth_of_a_second_are_kept_in_order() -> None:
    # Two seconds, ten results a millisecond: a thousand in each tenth, of two assets.
    kept = [one.place for one in cast("list[_Arrived]", thinned(_flood(20_000)))]
    assert kept == [tenth * 1_000 + n for tenth in range(20) for n in (996, 997, 998, 999)]
