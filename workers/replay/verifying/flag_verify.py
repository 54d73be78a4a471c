"""Replayed flag events against the published ones, by their identity.

The flags topic has an order per asset only, so the events are compared as a set: a digest each is
held. Whether a worker that takes over says again that it sheds load depends on what it found in
the journal; so LoadShedding events are checked where they are, and not missed where they are not.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas import FlagEvent, FlagEventCodec, JournalRecord
from workers.batching.decisions import Decision
from workers.batching.spans import JournalSpan
from workers.emission.flag_events import shedding_event
from workers.partition import Partition
from workers.replay.verifying.difference import Difference
from workers.replay.verifying.published import Published

__all__ = ["FlagComparison", "FlagsFound"]

_SHED: Final = Decision(0, 0, 0)


@dataclass(frozen=True, slots=True)
class FlagsFound:
    """Attributes:
    compared: how many events were.
    not_retained: events that retention has removed from the flags topic.
    differences: what differs.
    """

    compared: int
    not_retained: int
    differences: list[Difference]


class _Expected(NamedTuple):
    """Where an event's tick stands, and the event's bytes."""

    partition: int
    offset: int
    asset_id: str
    digest: bytes


class FlagComparison:
    """Collects what the replay expects, then reads what was published.

    Args:
        codec: of the flags topic.
        open_partition: a partition of the flags topic; each is read once, at the end.
        numbers: of the partitions.
        journal: which micro-batches were answered, by partition.
        begin: the first offset that is compared, by partition.
        end: the one behind the last; the journal may know of later ones.
        source_topic: the ticks topic.
        max_depth: `log_sig_depth`.
        repeats_allowed: whether delivery was at least once.
    """

    def __init__(
        self,
        codec: FlagEventCodec,
        open_partition: Callable[[int], Published],
        numbers: Sequence[int],
        journal: Mapping[int, Sequence[JournalRecord]],
        begin: Mapping[int, int],
        *,
        end: Mapping[int, int],
        source_topic: str,
        max_depth: int,
        repeats_allowed: bool,
    ) -> None:
        self._codec = codec
        self._open_partition = open_partition
        self._numbers = numbers
        self._journal = journal
        self._begin = begin
        self._end = end
        self._source_topic = source_topic
        self._repeats_allowed = repeats_allowed
        self._expected: dict[str, _Expected] = {}
        self._allowed: dict[str, bytes] = {}
        self._allow_shedding(max_depth)

    def expect(self, event: FlagEvent, value: bytes) -> None:
        """The replay made this event; an asset's come in the order of its ticks."""
        self._expected[event.event_id] = _Expected(
            event.source_partition, event.source_offset, event.asset_id, _digest(value)
        )

    def finish(self, answered_anew: Collection[tuple[int, int]] = ()) -> FlagsFound:
        """Read what was published, and compare.

        Args:
            answered_anew: partition and offset of ticks that were answered again after a crash took
                the decisions of their first answer: whose flag events may be there too.
        """
        differences, lows = [], [0]
        seen, right = set[str](), set[str]()
        awaited: dict[str, Difference] = {}
        low_of: dict[str, int] = {}
        for event, value, low in self._published(lows):
            low_of[event.asset_id] = low
            if not self._answered(event):
                continue
            identity, tick = event.event_id, (event.source_partition, event.source_offset)
            anew = tick in answered_anew
            what = self._wrong(event, value, repeated=identity in seen, anew=anew)
            if what is None:
                right.add(identity)
            elif anew:
                awaited[identity] = _difference(event, what)
            else:
                differences.append(_difference(event, what))
            seen.add(identity)
        trimmed = {asset for asset in self._assets() if low_of.get(asset, max(lows)) > 0}
        missing, not_retained = self._missing(seen, trimmed)
        differences += [one for event_id, one in awaited.items() if event_id not in right]
        return FlagsFound(len(seen), not_retained, differences + missing)

    def _published(self, lows: list[int]) -> Iterator[tuple[FlagEvent, bytes, int]]:
        """All events with their bytes and where their partition begins; `lows` gets where each
        partition does, also one that holds none.
        """
        for number in self._numbers:
            with closing(self._open_partition(number)) as published:
                lows.append(published.low)
                while (record := published.peek()) is not None:
                    yield self._codec.decode(record.value), record.value, published.low
                    published.pop()

    def _assets(self) -> set[str]:
        return {wanted.asset_id for wanted in self._expected.values()}

    def _wrong(self, event: FlagEvent, value: bytes, *, repeated: bool, anew: bool) -> str | None:
        wanted = self._expected.get(event.event_id)
        digest = self._allowed.get(event.event_id) if wanted is None else wanted.digest
        if digest is None:
            return None if anew else "live raised an event more"
        if repeated and not self._repeats_allowed:
            return "live published the event twice"
        return None if digest == _digest(value) else "the event's bytes differ"

    def _missing(self, seen: set[str], trimmed: set[str]) -> tuple[list[Difference], int]:
        """What is missing, and how many besides retention has removed: the first of an asset."""
        differences, not_retained = [], 0
        begun: set[tuple[int, str]] = set()
        for event_id, wanted in self._expected.items():
            asset = wanted.partition, wanted.asset_id
            if event_id in seen:
                begun.add(asset)
            elif wanted.asset_id in trimmed and asset not in begun:
                not_retained += 1
            else:
                what, cause = f"live published no event {event_id}", "records were deleted"
                differences.append(
                    Difference(wanted.partition, wanted.offset, wanted.asset_id, what, cause)
                )
        return differences, not_retained

    def _answered(self, event: FlagEvent) -> bool:
        number = event.source_partition
        if event.source_topic != self._source_topic or not self._journal.get(number):
            return False
        return self._begin[number] <= event.source_offset < self._end.get(number, 0)

    def _allow_shedding(self, max_depth: int) -> None:
        for number, records in self._journal.items():
            # The record before the first is not known, behind a snapshot or where it is removed.
            before = _SHED
            owner = Partition(number, 0.0)
            for record in records:
                now = Decision(record.processing_time_ns, record.depth, record.kernel_mask)
                for known in (before, None):
                    span = JournalSpan(owner, record.from_offset, record.to_offset, now, known)
                    event = shedding_event(span, self._source_topic, max_depth)
                    if event is not None:
                        self._allowed[event.event_id] = _digest(self._codec.encode(event))
                before = now


def _difference(event: FlagEvent, what: str) -> Difference:
    return Difference(
        event.source_partition,
        event.source_offset,
        event.asset_id,
        f"{event.type} {event.state}: {what}",
        "see the results of the same offset",
    )


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=16).digest()
