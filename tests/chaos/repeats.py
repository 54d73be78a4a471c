"""What at-least-once delivery may do and exactly-once may not: answer again after a crash. Pure.

Under the event clock a repeated record is the first one's bytes again. Taken out of what was
seen, the rest must hold as exactly-once does; what is no such copy stays in, and is found there.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from tests.chaos.oracle import Seen
from tests.kafka.tap import TapRecord

__all__ = ["Repeats", "take_out", "unexplained"]

# On a busy machine a commit lasts longer than its interval, and a reader sees a record late.
_SLACK_S: Final = 2.0


class Repeats(NamedTuple):
    """A run without its repeats.

    Attributes:
        once: what was seen, the first copy of each record only; of the journal everything.
        first_seen_s: for each further copy, when the first one was seen.
    """

    once: Seen
    first_seen_s: Sequence[float]


def take_out(seen: Seen) -> Repeats:
    """Separate first answers from repeated ones."""
    first_seen_s: list[float] = []
    once = seen._replace(
        results=_first_copies(seen.results, first_seen_s),
        flags=_first_copies(seen.flags, first_seen_s),
        letters=_first_copies(seen.letters, first_seen_s),
    )
    return Repeats(once, first_seen_s)


def unexplained(repeats: Repeats, kills_s: Sequence[float], commit_interval_s: float) -> int:
    """How many had first been answered longer than one commit interval before every kill."""
    before_s = commit_interval_s + _SLACK_S
    return sum(
        not any(kill_s - before_s <= seen_s <= kill_s + _SLACK_S for kill_s in kills_s)
        for seen_s in repeats.first_seen_s
    )


def _first_copies(
    topic: Mapping[int, Sequence[TapRecord]], first_seen_s: list[float]
) -> dict[int, list[TapRecord]]:
    kept: dict[int, list[TapRecord]] = {}
    for number, records in topic.items():
        first: dict[tuple[bytes | None, bytes | None], TapRecord] = {}
        for record in records:
            known = first.setdefault((record.key, record.value), record)
            if known is not record:
                first_seen_s.append(known.seen_s)
        kept[number] = list(first.values())
    return kept
