"""What a worker relies on a broker for, stated once: for the in-memory one and for Apache Kafka.

Every client is made from the worker's own settings. A test drives them with the calls the worker
makes, and no others.
"""

import threading
import time
from typing import Any, Final

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.sim.cluster import PATIENCE_S, Cluster, gather, produce_some
from workers.journal.reader import uncommitted_end

__all__ = ["BrokerContract"]

_A_WHILE_S: Final = 0.3
_DIGEST: Final = "ab" * 32


class BrokerContract:
    """Subclasses provide the fixture `cluster`."""

    def test_an_open_transaction_is_invisible_a_committed_one_is_not(
        self, cluster: Cluster
    ) -> None:
        producer = cluster.producer()
        produce_some(producer, cluster.journal, b"a", b"b")
        assert cluster.read(0) == []
        producer.commit_transaction(PATIENCE_S)
        cluster.write_markers()
        # a b C: the marker takes an offset.
        assert cluster.read(3) == [(0, b"a"), (1, b"b")]

    def test_a_marker_leaves_a_gap(self, cluster: Cluster) -> None:
        cluster.publish(b"a")
        cluster.publish(b"b")
        # a C b C
        assert cluster.read(4) == [(0, b"a"), (2, b"b")]
        assert cluster.read(4, start=1) == [(2, b"b")]

    def test_a_second_producer_aborts_the_firsts_transaction_and_fences_it(
        self, cluster: Cluster
    ) -> None:
        first = cluster.producer()
        produce_some(first, cluster.journal, b"a")
        cluster.publish(b"b")
        # a A b C
        assert cluster.read(4) == [(2, b"b")]
        with pytest.raises(KafkaException) as refused:
            produce_some(first, cluster.journal, b"c", begin=False)
            first.commit_transaction(PATIENCE_S)
        assert refused.value.args[0].fatal()
        cluster.write_markers()
        assert cluster.read(4) == [(2, b"b")]

    def test_a_transaction_that_outlasts_its_limit_is_aborted(self, cluster: Cluster) -> None:
        producer = cluster.producer()
        produce_some(producer, cluster.journal, b"a")
        cluster.outlast_transactions()
        with pytest.raises(KafkaException):
            producer.commit_transaction(PATIENCE_S)
        # a A
        assert cluster.read(2) == []

    def test_no_offset_was_ever_committed(self, cluster: Cluster) -> None:
        assert cluster.committed().offset == -1001

    def test_an_offset_commits_with_its_transaction_and_keeps_its_metadata(
        self, cluster: Cluster
    ) -> None:
        cluster.publish(b"tick", topic=cluster.ticks)
        producer = cluster.producer()
        with cluster.member() as member:
            producer.begin_transaction()
            _send_offset(producer, cluster, 1, member.consumer_group_metadata())
            producer.commit_transaction(PATIENCE_S)
            cluster.write_markers()
        found = cluster.committed()
        assert (found.offset, found.metadata) == (1, _DIGEST)

    def test_an_aborted_offset_does_not_count(self, cluster: Cluster) -> None:
        producer = cluster.producer()
        with cluster.member() as member:
            producer.begin_transaction()
            _send_offset(producer, cluster, 1, member.consumer_group_metadata())
            cluster.producer()
            cluster.write_markers()
        assert cluster.committed().offset == -1001

    def test_a_pending_offset_is_waited_for(self, cluster: Cluster) -> None:
        producer = cluster.producer()
        with cluster.member() as member:
            producer.begin_transaction()
            _send_offset(producer, cluster, 7, member.consumer_group_metadata())
            answers: list[TopicPartition] = []
            asking = threading.Thread(target=lambda: answers.append(cluster.committed()))
            asking.start()
            asking.join(_A_WHILE_S)
            assert not answers
            producer.commit_transaction(PATIENCE_S)
            cluster.write_markers()
            asking.join(PATIENCE_S)
        assert [one.offset for one in answers] == [7]

    def test_a_replaced_members_offsets_are_refused_and_the_rest_of_it_can_be_aborted(
        self, cluster: Cluster
    ) -> None:
        complaints: list[KafkaError] = []
        with cluster.member(complaints.append) as older:
            stale = older.consumer_group_metadata()
            with cluster.member():
                producer = cluster.producer()
                producer.begin_transaction()
                with pytest.raises(KafkaException) as refused:
                    _send_offset(producer, cluster, 1, stale)
                error = refused.value.args[0]
                assert error.txn_requires_abort() and not error.fatal()
                gather(
                    lambda: complaints.extend(_complaints(older)),
                    complaints,
                    "a word to the older member",
                )
        assert complaints[0].fatal() or complaints[0].code() == KafkaError._FATAL
        cluster.producer()
        assert cluster.committed().offset == -1001

    def test_the_high_watermark_counts_open_transactions_and_a_readers_does_not(
        self, cluster: Cluster
    ) -> None:
        cluster.publish(b"a")
        producer = cluster.producer()
        produce_some(producer, cluster.journal, b"b", b"c")
        wanted = TopicPartition(cluster.journal, 0)
        # a C | b c: the last stable offset is 2.
        assert uncommitted_end(cluster.new_admin(), cluster.journal, 0, PATIENCE_S) == 4
        with cluster.reader() as reader:
            assert reader.get_watermark_offsets(wanted, PATIENCE_S) == (0, 2)
        assert cluster.read(2) == [(0, b"a")]
        producer.commit_transaction(PATIENCE_S)
        cluster.write_markers()
        assert cluster.read(5, start=2) == [(2, b"b"), (3, b"c")]

    def test_a_position_beyond_the_end_is_an_error_and_no_jump(self, cluster: Cluster) -> None:
        cluster.publish(b"a")
        with cluster.reader() as reader:
            reader.assign([TopicPartition(cluster.journal, 0, 100)])
            seen: list[Any] = []
            gather(lambda: seen.extend(reader.consume(1, 0.1)), seen, "an answer")
        error = seen[0].error()
        assert error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET
        assert (seen[0].partition(), seen[0].offset()) == (0, 100)

    def test_a_paused_partition_gives_nothing_and_goes_on_where_it_is_sought(
        self, cluster: Cluster
    ) -> None:
        cluster.publish(b"a", b"b", b"c", topic=cluster.ticks)
        place = TopicPartition(cluster.ticks, 0, 1)
        with cluster.member() as member:
            member.pause([place])
            until_s = time.monotonic() + _A_WHILE_S
            while time.monotonic() < until_s:
                assert member.consume(10, 0.05) == []
            member.seek(place)
            member.resume([place])
            values: list[bytes] = []
            gather(
                lambda: values.extend(m.value() for m in member.consume(10, 0.1)),
                values,
                "the records",
                count=2,
            )
        assert values == [b"b", b"c"]

    def test_a_position_passes_markers_and_what_was_aborted_but_nothing_undecided(
        self, cluster: Cluster
    ) -> None:
        cluster.publish(b"a", topic=cluster.ticks)
        produce_some(cluster.producer(), cluster.ticks, b"b")
        producer = cluster.producer()
        cluster.write_markers()
        place = TopicPartition(cluster.ticks, 0)
        with cluster.member() as member:
            # a C b A
            _read_to(member, place, 4)
            produce_some(producer, cluster.ticks, b"c")
            assert not member.consume(10, _A_WHILE_S)
            assert _position(member, place) == 4
            producer.commit_transaction(PATIENCE_S)
            cluster.write_markers()
            # c C
            _read_to(member, place, 6)
            member.seek(TopicPartition(cluster.ticks, 0, 2))
            assert _position(member, place) <= 2, "as soon as it is sought back"
            _read_to(member, place, 6)


def _read_to(member: Any, place: TopicPartition, offset: int) -> None:
    reached: list[int] = []

    def read() -> None:
        member.consume(10, 0.1)
        reached.extend(at for at in [_position(member, place)] if at == offset)

    gather(read, reached, f"a position of {offset}")


def _position(member: Any, place: TopicPartition) -> int:
    [found] = member.position([place])
    return int(found.offset)


def _send_offset(producer: Any, cluster: Cluster, offset: int, ticket: Any) -> None:
    place = TopicPartition(cluster.ticks, 0, offset, _DIGEST)
    producer.send_offsets_to_transaction([place], ticket, PATIENCE_S)


def _complaints(member: Any) -> list[KafkaError]:
    """What one fetch says to a member that may be told to go, in whichever way."""
    try:
        return [m.error() for m in member.consume(1, 0.1) if m.error() is not None]
    except KafkaException as error:
        return [error.args[0]]
