"""Replayed results against what live published, byte for byte."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple, Self

from schemas import FlagEventCodec, JournalRecord, ResultCodec
from workers.emission.flag_events import flag_events
from workers.replay.engine import Stepped
from workers.replay.verifying.difference import Difference, explain
from workers.replay.verifying.flag_verify import FlagComparison
from workers.replay.verifying.published import Published, PublishedRecord

__all__ = ["Verification", "Verifier"]

_OFFSET: Final = "source_offset"


@dataclass
class Verification:
    """Attributes:
    results: results compared.
    differences: of them, and of what was published besides.
    not_retained: results that retention has removed from the output topic.
    repeated: results that were published again (at least once only): with the same bytes, or before
        a crash under decisions that it took with it.
    beyond: results of later ticks than those that were replayed.
    flags: flag events compared.
    flags_not_retained: flag events that retention has removed from the flags topic.
    flag_differences: those of the differences that are of flag events.
    first: the first difference; results come before flag events, whatever their partition.
    """

    results: int = 0
    differences: int = 0
    not_retained: int = 0
    repeated: int = 0
    beyond: int = 0
    flags: int = 0
    flags_not_retained: int = 0
    flag_differences: int = 0
    first: Difference | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return self.differences == 0

    def summary(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self) | {"holds": self.holds}

    @classmethod
    def read(cls, summary: Mapping[str, Any]) -> Self:
        """What `summary` gave."""
        kept = {name: value for name, value in summary.items() if name != "holds"}
        first = kept.pop("first")
        return cls(**kept, first=None if first is None else Difference(**first))

    @classmethod
    def total(cls, found: Sequence[Self]) -> Self:
        """Of comparisons that each had partitions of their own."""
        counts = {
            one.name: sum(getattr(each, one.name) for each in found)
            for one in fields(cls)
            if one.name != "first"
        }
        firsts = [(each.differences == each.flag_differences, each.first) for each in found]
        known = [
            (only_flags, first.partition, first.offset, first)
            for only_flags, first in firsts
            if first is not None
        ]
        return cls(**counts, first=min(known, key=lambda one: one[:3])[3] if known else None)


class _Awaited(NamedTuple):
    """The bytes that a later copy must have, of a tick whose first answer is `theirs`."""

    value: bytes
    key: bytes
    theirs: Mapping[str, Any]


class Verifier:
    """Compares as results are made; they come partition after partition.

    Args:
        codec: encodes results as the fleet's topic has them.
        flag_codec: likewise for flag events.
        open_partition: the published results of a partition.
        journal: what the journal says, for the causes of differences.
        begin: the first offset that is compared, by partition.
        end: the one behind the last, of every partition that is to be read.
        repeats_allowed: whether delivery was at least once.
        flags: the published flag events; None leaves them out.
    """

    def __init__(
        self,
        codec: ResultCodec,
        flag_codec: FlagEventCodec,
        open_partition: Callable[[int], Published],
        journal: Mapping[int, Sequence[JournalRecord]],
        begin: Mapping[int, int],
        *,
        end: Mapping[int, int],
        repeats_allowed: bool,
        flags: FlagComparison | None,
    ) -> None:
        self._codec, self._flag_codec = codec, flag_codec
        self._open_partition = open_partition
        self._journal = journal
        self._begin, self._end = begin, end
        self._repeats_allowed = repeats_allowed
        self._flags = flags
        self._published: dict[int, Published] = {}
        self._reached = self._current = -1
        self._awaited: dict[int, _Awaited] = {}
        self._answered_anew: set[tuple[int, int]] = set()
        self.found = Verification()

    def see(self, stepped: Stepped) -> None:
        """Compare these results with the next published ones."""
        results = stepped.results
        values = self._codec.encode_batch(results)
        for i, value in enumerate(values):
            number = int(results.source_partition[i])
            if number != self._current:
                self._turn_to(number)
            self._compare(number, int(results.source_offset[i]), results.asset_id[i], value)
        if self._flags is not None:
            for event in flag_events(results):
                self._flags.expect(event, self._flag_codec.encode(event))

    def summary(self) -> dict[str, Any]:
        """Finish, and say what was found; what `run.json` keeps."""
        for number in sorted(self._end.keys() - self._published.keys()):
            self._turn_to(number)
        self._finish_partition()
        if self._flags is not None:
            flags = self._flags.finish(self._answered_anew)
            self.found.flags, self.found.flags_not_retained = flags.compared, flags.not_retained
            self.found.flag_differences = len(flags.differences)
            for difference in flags.differences:
                self._differ(difference)
        return self.found.summary()

    def close(self) -> None:
        """Leave the brokers."""
        for published in self._published.values():
            published.close()

    def _compare(self, number: int, offset: int, key: bytes, value: bytes) -> None:
        published = self._published[number]
        while True:
            record = published.peek()
            if record is not None and record.value == value and record.key == key:
                self.found.results += 1
                self._reached = offset
                published.pop()
                return
            if record is None or (theirs := self._codec.decode(record.value))[_OFFSET] > offset:
                self._missing(number, offset, key, first_retained=published.low > 0)
                return
            published.pop()
            if theirs[_OFFSET] == offset:
                self._reached = offset
                self._other_bytes(number, offset, _Awaited(value, key, theirs))
                return
            self._besides(number, int(theirs[_OFFSET]), record)

    def _other_bytes(self, number: int, offset: int, found: _Awaited) -> None:
        if self._repeats_allowed:
            self._awaited[offset] = found
            self._answered_anew.add((number, offset))
            return
        self.found.results += 1
        self._differ(self._explanation(number, offset, found.value, found.theirs))

    def _explanation(
        self, number: int, offset: int, value: bytes, theirs: Mapping[str, Any]
    ) -> Difference:
        """Of the first difference; the others are only counted."""
        if self.found.first is not None:
            return self.found.first
        record = self._record_of(number, offset)
        return explain(number, offset, self._codec.decode(value), theirs, record)

    def _missing(self, number: int, offset: int, key: bytes, *, first_retained: bool) -> None:
        if first_retained and self._reached < 0:
            self.found.not_retained += 1
            return
        self._differ(
            Difference(
                number,
                offset,
                key.decode(),
                "live published no result",
                "the topic is not the fleet's, or records of it were deleted",
            )
        )

    def _besides(self, number: int, offset: int, record: PublishedRecord) -> None:
        """A published result that the replay does not make at this point."""
        if offset >= self._end[number]:
            self.found.beyond += 1
            return
        if number not in self._begin or offset < self._begin[number]:
            return
        if self._repeats_allowed and offset <= self._reached:
            self.found.repeated += 1
            awaited = self._awaited.get(offset)
            if awaited is not None and (awaited.value, awaited.key) == (record.value, record.key):
                self.found.results += 1
                del self._awaited[offset]
            return
        self._differ(
            Difference(
                number,
                offset,
                "",
                "live published a result more",
                "it is a repetition" if offset <= self._reached else "no such tick was accepted",
            )
        )

    def _turn_to(self, number: int) -> None:
        self._finish_partition()
        self._current, self._reached = number, -1
        if number not in self._published:
            self._published[number] = self._open_partition(number)

    def _finish_partition(self) -> None:
        """What live has published behind the last replayed result."""
        published = self._published.get(self._current)
        record = published.peek() if published is not None else None
        while published is not None and record is not None:
            offset = int(self._codec.decode(record.value)[_OFFSET])
            self._besides(self._current, offset, record)
            published.pop()
            record = published.peek()
        for offset, found in self._awaited.items():
            self.found.results += 1
            self._differ(self._explanation(self._current, offset, found.value, found.theirs))
        self._awaited.clear()

    def _differ(self, difference: Difference) -> None:
        self.found.differences += 1
        self.found.first = self.found.first or difference

    def _record_of(self, number: int, offset: int) -> JournalRecord | None:
        for record in self._journal.get(number, ()):
            if record.from_offset <= offset <= record.to_offset:
                return record
        return None
