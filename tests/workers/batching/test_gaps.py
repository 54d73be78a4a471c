"""A client that loses records: none may be skipped, and real gaps must not hold the worker up."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas import JournalRecord
from tests.fixtures.batches import record_batch
from tests.kafka.tap import TapRecord
from workers.batching.gaps import before_gaps
from workers.batching.records import RecordBatch
from workers.journal.decision_log import DecisionLog
from workers.partition import Partition, Phase


class Client:
    """Hands out a partition's records in order, and at times skips some without a word."""

    def __init__(self, offsets: list[int], losses: dict[int, int], batch: int) -> None:
        self._offsets = offsets
        self._losses = losses
        self._batch = batch
        self._position = 0
        self.seeks: list[int] = []

    def seek(self, _partition: Partition, offset: int) -> None:
        self.seeks.append(offset)
        self._position = offset

    def fetch(self) -> RecordBatch:
        taken: list[int] = []
        for offset in self._offsets:
            if offset >= self._position and len(taken) < self._batch:
                # A loss strikes once: the position moves on by itself.
                self._position = offset + self._losses.pop(offset, 0)
                if self._position == offset:
                    taken.append(offset)
                    self._position = offset + 1
        return record_batch([TapRecord(offset, b"k", b"v", 0.0) for offset in taken])


def _stepped(client: Client, last: int, log: DecisionLog | None = None) -> list[int]:
    partition = Partition(0, 0.0, Phase.LIVE)
    if log is not None:
        partition.log, partition.emitted_to = log, log.emitted_to or 0
    stepped: list[int] = []
    for _ in range(1_000):
        records = before_gaps(client.fetch(), {0: partition}, client.seek)
        if len(records):
            stepped += records.offset.tolist()
            partition.next_offset = stepped[-1] + 1
        if partition.next_offset > last:
            return stepped
    raise AssertionError(f"stuck at {partition.next_offset} of {last}")


@given(
    gaps=st.lists(st.sampled_from([0, 0, 0, 1, 2, 7]), min_size=2, max_size=60),
    losses=st.dictionaries(st.integers(0, 100), st.integers(2, 30), max_size=4),
    batch=st.integers(1, 20),
)
def test_what_a_client_loses_is_fetched_again(
    gaps: list[int], losses: dict[int, int], batch: int
) -> None:
    offsets = (np.cumsum(np.array(gaps) + 1) - 1).tolist()
    # A loss at the very end of the topic shows only when more arrives.
    bounded = {
        at: lost
        for at, lost in losses.items()
        if at + lost <= offsets[-1] and any(at <= o < at + lost for o in offsets)
    }
    client = Client(offsets, bounded, batch)
    stepped = _stepped(client, offsets[-1])
    # A lost single record looks like a marker: only a gap of more than one is questioned.
    missing = sorted(set(offsets) - set(stepped))
    assert all(o - 1 in stepped or o == 0 for o in missing)
    assert all(o + 1 in stepped for o in missing)
    assert stepped == sorted(set(stepped))


def test_a_lost_stretch_costs_one_seek_and_no_record() -> None:
    client = Client(list(range(100)), {40: 25}, batch=16)
    assert _stepped(client, 99) == list(range(100))
    assert client.seeks == [40]


def test_aborted_transactions_are_questioned_once_each() -> None:
    offsets = [o for o in range(200) if not 50 <= o < 80 and not 120 <= o < 130]
    client = Client(offsets, {}, batch=64)
    assert _stepped(client, 199) == offsets
    assert client.seeks == [50, 120]


def test_single_markers_are_not_questioned() -> None:
    offsets = [o for o in range(100) if o % 5 != 4]
    client = Client(offsets, {}, batch=7)
    assert _stepped(client, offsets[-1]) == offsets
    assert client.seeks == []


def test_a_single_record_that_a_replay_must_meet_is_asked_for_again() -> None:
    said = JournalRecord(0, 99, 0, 3, 5, "f" * 16, "w", rejected=(40,))
    for lost, seeks in ((40, [40]), (41, [])):
        client = Client(list(range(150)), {lost: 1}, batch=16)
        stepped = _stepped(client, 149, DecisionLog([said]))
        assert client.seeks == seeks
        assert (lost in stepped) == bool(seeks)
