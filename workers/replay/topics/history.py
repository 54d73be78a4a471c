"""What live did, as the journal has it: the range it answered, and under which decisions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from confluent_kafka import Consumer, KafkaException, TopicPartition

from core.errors import RetryableError
from schemas import JournalRecord
from snapshots import PartitionImage
from workers.batching.decisions import full_decision
from workers.brokers.client_config import reader_settings
from workers.config import WorkerConfig
from workers.emission.framing import framing_by_topic
from workers.journal.decision_log import DecisionLog
from workers.journal.foreign import another_fleets, first_foreign, whose
from workers.journal.reader import JournalReader, JournalTail
from workers.replay.decisions import Recorded
from workers.replay.errors import ReplayError
from workers.replay.topics.topic_range import TopicRange, partitions_of

__all__ = ["History", "read_history"]


@dataclass(frozen=True, slots=True)
class History:
    """Attributes:
    span: the input that live answered, with what warmed the state up before; empty in a
        partition where there is none.
    recorded: its decisions.
    journal: the journal's records, by partition; of a resumed run's range, later ones too.
    """

    span: TopicRange
    recorded: Recorded
    journal: Mapping[int, list[JournalRecord]]

    def only(self, partitions: Collection[int]) -> "History":
        """Of some partitions; what is told of the others' decisions stays."""
        journal = {n: records for n, records in self.journal.items() if n in partitions}
        return replace(self, span=self.span.only(partitions), journal=journal)


def read_history(
    config: WorkerConfig, topic: str, begin: Mapping[int, PartitionImage] | None = None
) -> History:
    """Read the journal of every partition up to its end now. Blocks.

    Args:
        config: the fleet's own settings: journal topic, framing, hyperparameters, rewind.
        topic: the ticks topic.
        begin: the state of a snapshot to begin from, of partitions that have one; the others
            begin where live did.

    Raises:
        ReplayError: the journal or the input is not retained that far, or it is of another
            configuration or fleet, or there is no such topic.
        NotAllowedError: this user may not know of one of the two.
        RetryableError: the brokers do not answer, or the journal may not be read.
    """
    begin = begin or {}
    journals = JournalReader(config, framing_by_topic(config)(config.topics.journal))
    reader = Consumer(reader_settings(config))
    try:
        numbers = partitions_of(reader, topic, config.client_timeout_s)
        # Else a journal that is not there, or may not be known of, looks like one without a leader.
        partitions_of(reader, config.topics.journal, config.client_timeout_s)
        tails = {n: journals.read(reader, n, 0) for n in numbers}
        journal = {n: _journal(config, tail, n, begin.get(n)) for n, tail in tails.items()}
        if not any(tail.records or tail.trimmed for tail in tails.values()):
            raise ReplayError(
                f"{config.topics.journal} records no answer to {topic}: give the fleet's own "
                "--config, which names its topics"
            )
        offsets = {number: image.offset for number, image in begin.items()}
        return _history(config, reader, topic, journal, offsets)
    except KafkaException as error:
        raise RetryableError(f"no answer about {topic}: {error}") from error
    finally:
        reader.close()


def _journal(
    config: WorkerConfig, tail: JournalTail, number: int, image: PartitionImage | None
) -> list[JournalRecord]:
    topic = config.topics.journal
    begin = None if image is None else image.offset
    records = [r for r in tail.records if begin is None or r.to_offset >= begin]
    if tail.trimmed and not (image is not None and _reaches_back(tail, image)):
        raise ReplayError(
            f"{topic}[{number}]: retention has removed its beginning, so how the first ticks were "
            f"answered is not known: {_remedy(begin)}"
        )
    stranger = another_fleets(config, records)
    if stranger is not None:
        raise ReplayError(
            f"{topic}[{number}]: {stranger.worker} of {whose(config, stranger)} answered offset "
            f"{stranger.from_offset}, this configuration's group is {config.group_id} and answers "
            f"{config.topics.ticks}: give the fleet's own group_id and topics.ticks; of a journal "
            "that two fleets have written, no history is known"
        )
    foreign = first_foreign(config, records)
    if foreign is not None:
        record = foreign.record
        raise ReplayError(
            f"{topic}[{number}]: {record.worker} answered offset {record.from_offset} under "
            f"{foreign.name} {foreign.theirs}, here it is {foreign.ours}: give the fleet's own "
            f"{foreign.key}"
        )
    return records


def _reaches_back(tail: JournalTail, image: PartitionImage) -> bool:
    """Whether nothing is missing behind a snapshot.

    Its journal position tells, but for the end of a run and a state of another group, where it is
    0: there a record of before tells, or one that covers the offset.
    """
    oldest = tail.records[0].from_offset if tail.records else None
    return tail.low <= image.journal_position or (oldest is not None and oldest <= image.offset)


def _remedy(begin: int | None) -> str:
    """What to do about a partition, given the offset of the snapshot that it begins from."""
    if begin is None:
        return "begin from a snapshot of every partition, with --from-snapshot oldest or newest"
    return f"begin from a newer snapshot than that at {begin}"


def _history(
    config: WorkerConfig,
    reader: Consumer,
    topic: str,
    journal: Mapping[int, list[JournalRecord]],
    begin: Mapping[int, int],
) -> History:
    full = full_decision(config.predictor)
    start, end, logs, answered_from = {}, {}, {}, {}
    for number, records in journal.items():
        if not records:
            # Nothing was answered, or nothing behind the snapshot: no reason to give up.
            start[number] = end[number] = begin.get(number, 0)
            continue
        low, high = reader.get_watermark_offsets(
            TopicPartition(topic, number), config.client_timeout_s
        )
        log = DecisionLog(records)
        first = begin.get(number, records[0].from_offset)
        rewind = 0 if number in begin else config.cold_start_rewind
        start[number] = max(low, first - rewind)
        end[number] = records[-1].to_offset + 1
        if low > first:
            begins = "live began" if number not in begin else "the snapshot is"
            raise ReplayError(
                f"{topic}[{number}]: the input is retained only from {low}, {begins} at {first}: "
                f"{_remedy(begin.get(number))}"
            )
        if high < end[number]:
            raise ReplayError(
                f"{topic}[{number}]: the input ends at {high}, live answered up to "
                f"{records[-1].to_offset}: the topic was created anew or truncated, so what live "
                "answered is not there any more"
            )
        warm_up = DecisionLog.warm_up(start[number], first - 1, full)
        logs[number], answered_from[number] = warm_up.then(log), first
    return History(TopicRange(topic, start, end), Recorded(logs, answered_from), journal)
