"""Find out where a partition stands: its state, what was answered, and under which decisions.

Runs on recovery threads and touches nothing but Kafka's reads and the object store; the
worker's loop installs the plan. The steps and their order are design §5's.
"""

import time
from dataclasses import replace

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from core.errors import RetryableError
from snapshots import (
    AnotherTopicError,
    IntegrityError,
    ManifestRef,
    NoValidSnapshotError,
    ObjectStore,
    Restored,
    SnapshotHeader,
    SnapshotScope,
    newest_snapshot,
    restore,
)
from workers.brokers.client_config import reader_settings
from workers.brokers.commits import commits_of
from workers.brokers.topic_identity import TopicIdentity
from workers.config import WorkerConfig
from workers.delivery.cold_commit import noted_position, noted_topic, tells_of_answers
from workers.errors import StalledClientError
from workers.faults import fault_point, fault_point_during
from workers.journal.reader import JournalReader
from workers.recovery.findings import Findings
from workers.recovery.plan import RecoveryPlan, make_plan

__all__ = ["plan_recovery"]

_log = structlog.get_logger()


def plan_recovery(
    config: WorkerConfig,
    store: ObjectStore,
    header: SnapshotHeader,
    journal: JournalReader,
    partition: int,
    *,
    identity: TopicIdentity,
    lost: str = "",
) -> RecoveryPlan:
    """Blocks for as long as a pending transaction, the store and the journal take.

    Args:
        config: the worker's settings.
        store: where the snapshots are.
        header: what they must say of their writer.
        journal: reads the journal.
        partition: the number.
        lost: why a replay cannot lead to the state, where one has tried.

    Raises:
        RetryableError: brokers or store did not answer, or no client can be made; call again.
        HistoryLostError: what recovery needs is gone; an operator must decide.
        SnapshotMismatchError: the snapshot belongs to another configuration.
    """
    reader = _reader(config, partition)
    wanted = TopicPartition(config.topics.ticks, partition)
    other_topic = ""
    try:
        # First of all: whatever is found out later is of this topic, or the worker notices.
        topic_id = identity.ask()
        # While a predecessor's transaction has pending offsets this call waits for its outcome.
        [committed] = commits_of(reader, [wanted], config.client_timeout_s)
        low, high = reader.get_watermark_offsets(wanted, config.client_timeout_s)
        fault_point("before_restore")
        fault_point_during("during_restore")
        try:
            restored, refused = _restore(config, store, header, committed, topic_id)
        except AnotherTopicError as error:
            if not identity.replaced([error.topic_id]):
                raise StalledClientError("the brokers do not agree on the ticks topic") from error
            restored, refused, other_topic = None, "", str(error)
            position = error.journal_position
        else:
            position = _journal_position(restored, committed)
        fault_point("after_restore")
        tail = journal.read(reader, partition, position)
        if restored is not None and tail.trimmed and not tail.records:
            wanted.offset = restored.image.offset
            high = _end_behind(reader, wanted, range(low, high), config.client_timeout_s)
        unnamed = None
        if committed.offset < 0 and not tail.records:
            scope = SnapshotScope(config.group_id, config.topics.ticks, partition)
            unnamed = newest_snapshot(store, scope, topic_id)
        findings = Findings(
            partition=partition,
            committed_offset=committed.offset,
            low=low,
            high=high,
            restored=restored,
            refused=refused,
            journal=tail,
            journal_begun=tells_of_answers(committed.metadata or ""),
            lost=lost,
            other_topic=other_topic,
            same_topic=topic_id is not None and topic_id == _answered_topic(restored, committed),
            unnamed=unnamed,
        )
    except KafkaException as error:
        raise _retryable(partition, error) from error
    finally:
        reader.close()
        # Not left to whatever holds this frame: an error whose traceback holds itself, as boto's
        # do, keeps it for a collection that comes seldom, and each client keeps threads.
        del reader
    return replace(make_plan(config, findings), topic_id=topic_id)


def _reader(config: WorkerConfig, partition: int) -> Consumer:
    try:
        return Consumer(reader_settings(config))
    except KafkaException as error:  # as while a certificate and its key do not belong together
        raise _retryable(partition, error) from error


def _retryable(partition: int, error: KafkaException) -> RetryableError:
    return RetryableError(f"recovery of partition {partition}: {error}")


def _journal_position(restored: Restored | None, committed: TopicPartition) -> int:
    if restored is not None:
        return restored.image.journal_position
    return noted_position(committed.metadata or "") or 0


def _answered_topic(restored: Restored | None, committed: TopicPartition) -> str | None:
    """Which topic's ticks were answered, as far as snapshot or commit tell."""
    if restored is not None:
        return restored.image.topic_id
    return noted_topic(committed.metadata or "")


def _check_noted(metadata: str, topic_id: str | None, position: int) -> None:
    noted = noted_topic(metadata)
    if noted is not None and topic_id not in (None, noted):
        raise AnotherTopicError(
            f"what was answered is of another topic (its id was {noted}, now it is {topic_id})",
            noted,
            position,
        )


def _end_behind(reader: Consumer, place: TopicPartition, retained: range, timeout_s: float) -> int:
    """Where the input ends; where only markers are left behind a place, that place.

    Of a transactional producer's last tick, what follows is a marker: nothing that was answered.
    """
    if place.offset not in retained:
        return retained.stop
    reader.assign([place])
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        for message in reader.consume(1, 0.1):
            error = message.error()
            if error is None:
                return retained.stop
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            if (message.offset() or 0) >= retained.stop:
                return place.offset
    raise StalledClientError(
        f"{place.topic}[{place.partition}]: no answer behind {place.offset}. It is asked again"
    )


def _restore(
    config: WorkerConfig,
    store: ObjectStore,
    header: SnapshotHeader,
    committed: TopicPartition,
    topic_id: str | None,
) -> tuple[Restored | None, str]:
    """The snapshot the commit names or its nearest usable ancestor; and what was refused."""
    metadata = committed.metadata or ""
    position = noted_position(metadata)
    if committed.offset < 0 or position is not None:
        _check_noted(metadata, topic_id, position or 0)
        return None, ""
    scope = SnapshotScope(config.group_id, committed.topic, committed.partition)
    try:
        ref = ManifestRef.parse(metadata, offset=committed.offset)
        restored = restore(store, header, scope, ref, topic_id=topic_id)
    except (IntegrityError, NoValidSnapshotError) as error:
        _log.error("no_valid_snapshot", partition=committed.partition, reason=str(error))
        return None, str(error)
    refused = restored.report.describe() if restored.report.refused else ""
    if refused:
        _log.warning("snapshot_refused", partition=committed.partition, report=refused)
    return restored, refused
