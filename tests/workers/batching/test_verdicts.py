"""A replay steps what was answered and nothing else, whatever the codec has learnt meanwhile."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from core import AVAILABLE_KERNELS, PredictorConfig
from schemas import ErrorClass, JournalRecord, SingleObjectFraming, TickCodec
from schemas.contracts import Contract, contract, parse_contract
from schemas.record_codec import RecordCodec
from tests.fixtures.batches import record_batch
from tests.kafka.tap import TapRecord
from tests.sim.table import SimTable
from workers.batching.decisions import Decision
from workers.batching.pipeline import Pipeline, SteppedBatch
from workers.batching.verdicts import UnreadableTickError, Verdict, read_ticks
from workers.journal.decision_log import DecisionLog
from workers.partition import Partition, Phase

CONFIG = PredictorConfig()
DECISION = Decision(1_700_000_001_000_000_000, CONFIG.log_sig_depth, int(AVAILABLE_KERNELS))


def _wider() -> Contract:
    document = json.loads(contract("Tick").text)
    document["fields"].append({"name": "venue", "type": "string"})
    return parse_contract(json.dumps(document))


WIDER = _wider()
KNOWS, FORGOT = SingleObjectFraming([contract("Tick"), WIDER]), SingleObjectFraming()
TAKES_ALL = TickCodec(KNOWS, allow_nonpositive_prices=True)
STRICT, FORGETFUL = TickCodec(KNOWS), TickCodec(FORGOT, allow_nonpositive_prices=True)


def records() -> list[TapRecord]:
    """Offsets 0 to 11: every third of a schema of its own, every fourth with a price below 0."""
    made = []
    for offset in range(12):
        price = -1.0 if offset % 4 == 0 else 1.0 + offset
        tick = {"asset_id": f"A{offset % 2}", "price": price, "target": None, "venue": "X"}
        tick["timestamp_ns"] = offset + 1
        writer = WIDER if offset % 3 == 0 else contract("Tick")
        value = RecordCodec(KNOWS, writer).encode(tick)
        made.append(TapRecord(offset, f"A{offset % 2}".encode(), value, 0.0))
    made[7] = made[7]._replace(value=b"no tick")
    return made


class Life:
    """One owner of a partition, with a codec of its own."""

    def __init__(self, codec: TickCodec) -> None:
        self.table = SimTable(CONFIG, "float64")
        self.partition = Partition(0, 0.0, Phase.LIVE)
        self._pipeline = Pipeline(CONFIG, self.table, codec, "ticks")  # type: ignore[arg-type]

    def answer(self, part: Sequence[TapRecord]) -> SteppedBatch:
        return self._pipeline.run(record_batch(part), {0: self.partition}, lambda: DECISION)

    def replay(self, part: Sequence[TapRecord], rejected: Sequence[int] | None) -> SteppedBatch:
        """Records that the life before had answered, but for those it rejected."""
        told = None if rejected is None else tuple(rejected)
        self.partition.log = DecisionLog([_journal(0, part[-1].offset, told)])
        self.partition.emitted_to = part[-1].offset
        return self.answer(part)

    def state(self) -> dict[bytes, bytes]:
        rows = self.partition.row_array()
        held = zip(self.partition.assets, self.table.copy(rows), strict=True)
        return {asset: state.tobytes() for asset, state in held}


def _journal(first: int, last: int, rejected: tuple[int, ...] | None) -> JournalRecord:
    time_ns, depth, mask = DECISION.processing_time_ns, DECISION.depth, DECISION.kernel_mask
    return JournalRecord(first, last, time_ns, depth, mask, "f" * 16, "w", rejected)


@pytest.mark.parametrize(
    ("before", "after"),
    [(FORGETFUL, TAKES_ALL), (STRICT, TAKES_ALL), (TAKES_ALL, STRICT)],
    ids=["a schema is known by now", "any price is allowed by now", "and no longer"],
)
def test_a_replay_leaves_the_state_that_was_answered_from(
    before: TickCodec, after: TickCodec
) -> None:
    live, again = Life(before), Life(after)
    rejected = [rejection.index for rejection in live.answer(records()).rejections]
    assert rejected
    replayed = again.replay(records(), rejected)
    assert replayed.replayed == len(records()) - len(rejected)
    assert (len(replayed.rejections), len(replayed.results.source_offset)) == (0, 0)
    assert again.state() == live.state()
    assert (again.table.sequence == live.table.sequence).all()


def test_what_comes_after_a_replay_is_judged_by_todays_rules() -> None:
    live, again = Life(STRICT), Life(TAKES_ALL)
    part = records()
    rejected = [rejection.index for rejection in live.answer(part[:5]).rejections]
    again.partition.log = DecisionLog([_journal(0, 4, tuple(rejected))])
    again.partition.emitted_to = 4
    batch = again.answer(part)
    assert batch.results.source_offset.tolist() == [5, 6, 8, 9, 10, 11]
    assert [rejection.index for rejection in batch.rejections] == [7]


def test_a_journal_that_does_not_say_leaves_it_to_the_codec() -> None:
    live, again = Life(STRICT), Life(STRICT)
    live.answer(records())
    again.replay(records(), None)
    assert again.state() == live.state()


def test_a_tick_that_was_answered_and_cannot_be_read_is_not_passed_over() -> None:
    again = Life(FORGETFUL)
    with pytest.raises(UnreadableTickError, match="no known schema has the fingerprint") as caught:
        again.replay(records(), [7])
    assert (caught.value.partition, caught.value.offset) == (0, 0)
    assert "Put its schema back" in caught.value.remedy
    assert (again.partition.next_offset, again.state()) == (0, {}), "nothing was done"


def test_each_record_is_a_tick_or_a_rejection_in_input_order() -> None:
    batch = record_batch(records())
    verdicts = np.full(12, Verdict.ACCEPTED, dtype=np.uint8)
    verdicts[[2, 7, 11]] = Verdict.REJECTED
    verdicts[8] = Verdict.OPEN
    ticks, rejections = read_ticks(STRICT, batch, verdicts)
    assert ticks.index.tolist() == [0, 1, 3, 4, 5, 6, 9, 10]
    assert ticks.price.tolist() == [-1.0, 2.0, 4.0, -1.0, 6.0, 7.0, 10.0, 11.0]
    assert ticks.timestamp_ns.tolist() == (ticks.index + 1).tolist()
    assert [(one.index, one.error_class) for one in rejections] == [
        (2, "AsRecorded"),
        (7, ErrorClass.UNDECODABLE),
        (8, ErrorClass.INVALID_PRICE),
        (11, "AsRecorded"),
    ]
