"""Kafka as far as a worker can tell: logs with transactions, fencing, groups, offsets.

What is modelled because it has bitten: commit markers reach partitions one by one, the offsets
topic's among them, whose offsets stay pending until then; an expired or replaced member's commits
are refused; a new producer of the same transactional id fences the old one; a transaction aborted
while partitions have no leader hangs in them, until a later marker of its id decides it.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaError, KafkaException

__all__ = ["Entry", "Log", "Member", "SimBroker", "Txn", "refusal"]

SESSION_S: Final = 6.0
TRANSACTION_S: Final = 10.0


def refusal(code: int, *, fatal: bool = False, abort: bool = False) -> KafkaException:
    """What a client raises when the broker refuses."""
    return KafkaException(KafkaError(code, "simulated", fatal, False, abort))


@dataclass(eq=False)
class Txn:
    """One transaction: undecided, then decided, then marked partition by partition.

    Attributes:
        unmarked: partitions without its marker yet; None stands for the offsets topic's.
        left_out: partitions that will get none.
    """

    transactional_id: str
    begun_s: float
    committed: bool | None = None
    unmarked: list["Log | None"] = field(default_factory=list)
    left_out: list["Log"] = field(default_factory=list)
    offsets: dict[int, tuple[int, str]] = field(default_factory=dict)


@dataclass(eq=False)
class Entry:
    """One record, or a marker (`value` and `key` None, `marker` true)."""

    offset: int
    key: bytes | None
    value: bytes | None
    txn: Txn | None = None
    marker: bool = False

    @property
    def visible(self) -> bool:
        """Whether it is a record that no aborted transaction holds."""
        return not self.marker and (self.txn is None or bool(self.txn.committed))


@dataclass(eq=False)
class Log:
    """One partition."""

    topic: str
    number: int
    entries: list[Entry] = field(default_factory=list)
    _stable: int = 0
    _visible: int = 0

    @property
    def end(self) -> int:
        """The high watermark."""
        return len(self.entries)

    @property
    def stable_end(self) -> int:
        """The last stable offset: nothing of an undecided or unmarked transaction below it."""
        self._go_on()
        return self._stable

    @property
    def visible_count(self) -> int:
        """How many records a read_committed reader can see."""
        self._go_on()
        return self._visible

    def _go_on(self) -> None:
        """What has become stable stays so: nothing is looked at twice."""
        while self._stable < self.end:
            entry = self.entries[self._stable]
            txn = entry.txn
            if txn is not None and not entry.marker and self in (*txn.unmarked, *txn.left_out):
                return
            self._visible += entry.visible
            self._stable += 1

    def append(self, key: bytes | None, value: bytes | None, txn: Txn | None = None) -> None:
        """Add a record."""
        self.entries.append(Entry(self.end, key, value, txn))
        if txn is not None and self not in txn.unmarked:
            txn.unmarked.append(self)

    def cut(self, end: int) -> None:
        """Lose what stands from there on, as in an unclean election."""
        del self.entries[end:]
        self._stable = self._visible = 0

    def mark(self, txn: Txn) -> None:
        """Write a transaction's marker, which also decides what hangs here of its id."""
        for entry in self.entries[self.stable_end :]:
            hanging = entry.txn
            if (
                hanging is not None
                and hanging.transactional_id == txn.transactional_id
                and self in hanging.left_out
            ):
                entry.txn = txn
        self.entries.append(Entry(self.end, None, None, txn, marker=True))
        txn.unmarked.remove(self)

    def visible(self, start: int, limit: int) -> list[Entry]:
        """What a read_committed reader gets from an offset on."""
        found = []
        for entry in self.entries[start : self.stable_end]:
            if entry.visible:
                found.append(entry)
                if len(found) == limit:
                    break
        return found


@dataclass(eq=False)
class Member:
    """One life of one group member."""

    instance_id: str
    seen_s: float
    owned: set[int] = field(default_factory=set)


class SimBroker:
    """The cluster.

    Args:
        partitions: of every topic but flags and dead letters.
    """

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.now_s = 0.0
        self.committed: dict[int, tuple[int, str]] = {}
        self.lose_replies = 0
        self.leave_out = 0
        self.unknown_generations = 0
        self.echoes: set[str] = set()
        self.topic_ids: dict[str, int] = defaultdict(int)
        self._logs: dict[tuple[str, int], Log] = {}
        self._epochs: dict[str, int] = defaultdict(int)
        self._open: dict[str, Txn] = {}
        self._decided: list[Txn] = []
        self._seats: dict[str, Member] = {}

    def log(self, topic: str, number: int) -> Log:
        """A partition; made when first asked for."""
        return self._logs.setdefault((topic, number), Log(topic, number))

    def create_anew(self, topic: str) -> None:
        """Delete a topic and its committed offsets, and create another one of the same name."""
        self._logs = {place: log for place, log in self._logs.items() if place[0] != topic}
        self.topic_ids[topic] += 1
        self.committed.clear()

    def advance(self, seconds: float) -> None:
        """Time passes: sessions and transactions run out."""
        self.now_s += seconds
        for instance_id, member in list(self._seats.items()):
            if self.now_s - member.seen_s > SESSION_S:
                del self._seats[instance_id]
        for txn in list(self._open.values()):
            if self.now_s - txn.begun_s > TRANSACTION_S:
                self._epochs[txn.transactional_id] += 1
                self._give_up(txn)

    def write_one_marker(self, pick: int) -> None:
        """One decided transaction's marker reaches one more partition."""
        if not self._decided:
            return
        txn = self._decided[pick % len(self._decided)]
        self._mark(txn, txn.unmarked[pick % len(txn.unmarked)])

    def quiesce(self) -> None:
        """Write every marker that is due."""
        while self._decided:
            self.write_one_marker(0)

    # Producers

    def init_producer(self, transactional_id: str) -> int:
        """Fence predecessors and abort what they left open; returns the new epoch."""
        self._epochs[transactional_id] += 1
        if transactional_id in self._open:
            self._give_up(self._open[transactional_id])
        self._finish(transactional_id)
        return self._epochs[transactional_id]

    def produce(
        self, transactional_id: str, epoch: int, log: Log, key: bytes | None, value: bytes | None
    ) -> None:
        """Append within the producer's transaction; a fenced producer's records are refused."""
        if epoch == self._epochs[transactional_id]:
            log.append(key, value, self._txn(transactional_id))

    def add_offsets(
        self,
        transactional_id: str,
        epoch: int,
        offsets: dict[int, tuple[int, str]],
        member: Member,
    ) -> None:
        """Offsets that count when the transaction commits; refused unless the member is seated."""
        self._check_epoch(transactional_id, epoch)
        if self._seats.get(member.instance_id) is not member:
            raise refusal(KafkaError.ILLEGAL_GENERATION, abort=True)
        txn = self._txn(transactional_id)
        txn.offsets.update(offsets)
        if None not in txn.unmarked:
            txn.unmarked.append(None)

    def commit(self, transactional_id: str, epoch: int) -> None:
        """Decide the transaction; now and then the answer is lost."""
        self._check_epoch(transactional_id, epoch)
        if transactional_id in self._open:
            self._decide(self._open[transactional_id], committed=True)
        if self.lose_replies:
            self.lose_replies -= 1
            raise refusal(KafkaError._TIMED_OUT)

    def abort(self, transactional_id: str, epoch: int) -> None:
        """Decide the transaction, by its producer."""
        self._check_epoch(transactional_id, epoch)
        if transactional_id in self._open:
            self._decide(self._open[transactional_id], committed=False)

    def _txn(self, transactional_id: str) -> Txn:
        """The open one; a new one begins when the last one's markers are written."""
        if transactional_id not in self._open:
            self._finish(transactional_id)
        return self._open.setdefault(transactional_id, Txn(transactional_id, self.now_s))

    def _check_epoch(self, transactional_id: str, epoch: int) -> None:
        if epoch != self._epochs[transactional_id]:
            raise refusal(KafkaError._FENCED, fatal=True)

    def _give_up(self, txn: Txn) -> None:
        """The coordinator's abort; now and then the partitions have no leader for a moment."""
        if self.leave_out and any(log is not None for log in txn.unmarked):
            self.leave_out -= 1
            txn.left_out = [log for log in txn.unmarked if log is not None]
            txn.unmarked = [log for log in txn.unmarked if log is None]
        self._decide(txn, committed=False)

    def _decide(self, txn: Txn, *, committed: bool) -> None:
        del self._open[txn.transactional_id]
        txn.committed = committed
        if txn.unmarked:
            self._decided.append(txn)

    def _finish(self, transactional_id: str) -> None:
        for txn in [t for t in self._decided if t.transactional_id == transactional_id]:
            for log in list(txn.unmarked):
                self._mark(txn, log)

    def _mark(self, txn: Txn, log: Log | None) -> None:
        if log is not None:
            log.mark(txn)
        else:
            txn.unmarked.remove(None)
            if txn.committed:
                self.committed.update(txn.offsets)
        if not txn.unmarked:
            self._decided.remove(txn)

    # The group

    def join(self, instance_id: str) -> Member:
        """Take a seat; a static member's new life replaces the old one and keeps its partitions."""
        before = self._seats.get(instance_id)
        member = Member(instance_id, self.now_s)
        self._seats[instance_id] = member
        if before is not None:
            before.owned.clear()
        return member

    def leave(self, member: Member) -> None:
        """Give the seat up."""
        if self._seats.get(member.instance_id) is member:
            del self._seats[member.instance_id]

    def is_seated(self, member: Member) -> bool:
        """Whether the group still knows this life of the member."""
        return self._seats.get(member.instance_id) is member

    def is_replaced(self, member: Member) -> bool:
        """Whether a newer life has its seat."""
        return self._seats.get(member.instance_id, member) is not member

    def target_of(self, member: Member) -> set[int]:
        """The partitions the current assignment gives it."""
        seats = sorted(self._seats)
        place = seats.index(member.instance_id)
        return {p for p in range(self.partitions) if p % len(seats) == place}

    def unowned(self) -> set[int]:
        """Partitions that no seated member holds."""
        held = {p for member in self._seats.values() for p in member.owned}
        return set(range(self.partitions)) - held

    def pending_offsets(self, number: int) -> bool:
        """Whether a transaction that is not over names this partition's offset."""
        undecided_or_unmarked = (*self._open.values(), *self._decided)
        return any(number in t.offsets and None in t.unmarked for t in undecided_or_unmarked)
