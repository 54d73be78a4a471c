"""What the brokers tell of the ticks topic's id, and what is made of it at work."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
    Uuid,
)
from confluent_kafka.admin import AclOperation
from structlog.testing import capture_logs

from tests.workers.telemetry.test_gauges import SteppedClock
from workers import WorkerConfig
from workers.brokers.topic_identity import TopicIdentity
from workers.brokers.topic_watch import TopicWatch
from workers.errors import StalledClientError
from workers.partition import Partition, Phase

CONFIG: Final = WorkerConfig("localhost:1", "group", "w-0", "file:///snapshots")
OLD, NEW = Uuid(1, 0), Uuid(1, 1)
OLD_ID, NEW_ID = str(OLD), str(NEW)
Answer = Uuid | int
NO_ANSWER: Final = -2_000


class Brokers:
    """An admin client whose answers, ids or codes of errors, are told beforehand.

    Attributes:
        asked: how often for the id.
        allowed: operations on the topic, or the code of an error.
        end: of each partition, or the code of an error.
        commit: of the group in each partition, negative where there is none; or `NO_ANSWER`.
        commits_asked: the partitions of each question for commits.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.allowed: list[AclOperation] | int | None = None
        self.end = 7
        self.commit = 4
        self.commits_asked: list[list[int]] = []

    def describe_topics(
        self, *_: object, include_authorized_operations: bool = False, **__: object
    ) -> dict[str, "Future[Any]"]:
        if include_authorized_operations:
            return {"ticks": self._allowed()}
        what = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        answer: Future[Any] = Future()
        if isinstance(what, int):
            answer.set_exception(KafkaException(KafkaError(what)))
        else:
            answer.set_result(SimpleNamespace(topic_id=what))
        return {"ticks": answer}

    def _allowed(self) -> "Future[Any]":
        answer: Future[Any] = Future()
        if isinstance(self.allowed, int):
            answer.set_exception(KafkaException(KafkaError(self.allowed)))
        else:
            answer.set_result(SimpleNamespace(authorized_operations=self.allowed))
        return answer

    def list_topics(self, *_: object, **__: object) -> SimpleNamespace:
        """Before each question for offsets."""
        return SimpleNamespace(topics={})

    def list_offsets(
        self, places: Mapping[TopicPartition, object], **_: object
    ) -> dict[TopicPartition, "Future[Any]"]:
        if self.end < 0:
            raise KafkaException(KafkaError(self.end))
        answers: dict[TopicPartition, Future[Any]] = {place: Future() for place in places}
        for place, answer in answers.items():
            answer.set_result(SimpleNamespace(offset=self.end + place.partition))
        return answers

    def list_consumer_group_offsets(
        self, asked: list[ConsumerGroupTopicPartitions], **_: object
    ) -> dict[str, "Future[Any]"]:
        [group] = asked
        places = group.topic_partitions or []
        self.commits_asked.append([place.partition for place in places])
        answer: Future[Any] = Future()
        if self.commit == NO_ANSWER:
            answer.set_exception(TimeoutError())
        for place in places:
            place.offset = self.commit
        if not answer.done():
            answer.set_result(ConsumerGroupTopicPartitions(group.group_id, places))
        return {group.group_id: answer}


@pytest.fixture
def identity(monkeypatch: pytest.MonkeyPatch) -> Iterator[TopicIdentity]:
    monkeypatch.setattr("workers.brokers.topic_identity.time.sleep", lambda _seconds: None)
    monkeypatch.setattr("workers.brokers.topic_identity.AdminClient", lambda _settings: None)
    yield TopicIdentity(CONFIG)


def _tell(identity: TopicIdentity, *answers: Answer) -> Brokers:
    brokers = Brokers(*answers)
    identity._admin = cast(Any, brokers)
    return brokers


def test_an_id_reads_as_kafkas_own_tools_show_it(identity: TopicIdentity) -> None:
    _tell(identity, Uuid(0x7C65C1D85CC7472D, -0x4522126C9B5C6ED8 & 0x7FFFFFFFFFFFFFFF))
    found = identity.ask()
    assert found is not None and len(found) == 22
    assert not set(found) & set("+/=")


@pytest.mark.parametrize("answer", [Uuid(0, 0), KafkaError.TOPIC_AUTHORIZATION_FAILED])
def test_where_none_is_told_nothing_was_replaced(identity: TopicIdentity, answer: Answer) -> None:
    _tell(identity, answer)
    assert identity.ask() is None
    assert identity.replaced([OLD_ID]) == set()


@pytest.mark.parametrize("code", [KafkaError._TIMED_OUT, KafkaError.UNKNOWN_TOPIC_OR_PART])
def test_no_answer_is_no_id(identity: TopicIdentity, code: int) -> None:
    _tell(identity, code)
    with pytest.raises(StalledClientError):
        identity.ask()


@pytest.mark.parametrize(
    ("answers", "replaced", "asked"),
    [
        ([OLD], set(), 1),
        ([NEW], {OLD_ID}, 3),
        ([NEW, NEW, OLD], set(), 3),
    ],
    ids=["still the same", "another one", "a broker is behind"],
)
def test_another_id_is_believed_if_it_is_told_again_and_again(
    identity: TopicIdentity, answers: list[Answer], replaced: set[str], asked: int
) -> None:
    brokers = _tell(identity, *answers)
    assert identity.replaced([OLD_ID]) == replaced
    assert brokers.asked == asked


class Watched:
    """Partitions that were recovered on the old topic, on the new one, and on who knows which."""

    def __init__(self, identity: TopicIdentity) -> None:
        self.clock = SteppedClock()
        self.watch = TopicWatch(CONFIG, identity, self.clock)
        self.partitions = [
            Partition(number, 0.0, Phase.LIVE, topic_id=topic_id)
            for number, topic_id in enumerate([OLD_ID, NEW_ID, None])
        ]

    def after(self, seconds: float) -> list[int]:
        """Looks once to ask, and once for the answer."""
        self.clock.now_s += seconds
        found = self.watch.look(self.partitions)
        if self.watch._asked is not None:
            self.watch._asked.exception(10.0)
            found += self.watch.look(self.partitions)
        return [one.number for one in found]


def test_a_watch_asks_one_question_every_ten_seconds(identity: TopicIdentity) -> None:
    brokers, watched = _tell(identity, OLD), Watched(identity)
    del watched.partitions[1]
    assert watched.after(1.0) == []
    assert brokers.asked == 0
    for seconds, asked in ((9.0, 1), (1.0, 1), (9.0, 2)):
        assert watched.after(seconds) == []
        assert brokers.asked == asked
    assert watched.watch.close()


def test_a_watch_finds_what_is_of_the_topic_that_is_gone(identity: TopicIdentity) -> None:
    brokers, watched = _tell(identity, NEW), Watched(identity)
    assert watched.after(10.0) == [0]
    brokers.answers = [KafkaError._TIMED_OUT]
    assert watched.after(10.0) == []
    assert watched.watch.close()


def test_no_id_is_asked_for_where_none_is_known(identity: TopicIdentity) -> None:
    brokers, watched = _tell(identity, NEW), Watched(identity)
    del watched.partitions[:2]
    assert watched.after(10.0) == []
    assert brokers.asked == 0
    assert watched.watch.close()


def test_a_watch_knows_where_partitions_ended_when_that_was_last_told(
    identity: TopicIdentity,
) -> None:
    brokers, watched = _tell(identity, OLD), Watched(identity)
    assert watched.watch.end_offset(2) == -1
    for end, told in ((7, 9), (8, 10), (KafkaError._TIMED_OUT, 10)):
        brokers.end = end
        watched.after(10.0)
        assert watched.watch.end_offset(2) == told
    del watched.partitions[2]
    watched.after(10.0)
    assert watched.watch.end_offset(2) == -1
    assert watched.watch.close()


def test_a_watch_asks_where_the_group_stands_in_what_steps_nothing(identity: TopicIdentity) -> None:
    brokers, watched = _tell(identity, OLD), Watched(identity)
    told = []
    watched.after(10.0)
    assert brokers.commits_asked == []
    watched.partitions[1].phase, watched.partitions[2].phase = Phase.FAILED, Phase.RESTORING
    for brokers.commit in (-1_001, 4, 5, NO_ANSWER):
        watched.after(10.0)
        told.append([watched.watch.committed_offset(number) for number in range(3)])
    assert told == [[-1, -1, -1], [-1, 4, 4], [-1, 5, 5], [-1, 5, 5]]
    assert brokers.commits_asked == [[1, 2]] * 4
    watched.partitions[2].phase, brokers.commit = Phase.LIVE, 6
    watched.after(10.0)
    assert [watched.watch.committed_offset(number) for number in range(3)] == [-1, 6, -1]
    assert watched.watch.close()


def test_a_commit_is_not_told_without_an_end(identity: TopicIdentity) -> None:
    brokers, watched = _tell(identity, OLD), Watched(identity)
    watched.partitions[2].phase, brokers.end = Phase.RESTORING, KafkaError._TIMED_OUT
    watched.after(10.0)
    assert watched.watch.committed_offset(2) == -1
    assert watched.watch.close()


def test_what_takes_no_input_is_not_asked_for_its_topic(identity: TopicIdentity) -> None:
    brokers, watched = _tell(identity, NEW), Watched(identity)
    watched.partitions[0].phase = Phase.FAILED
    del watched.partitions[1]
    assert watched.after(10.0) == []
    assert brokers.asked == 0
    assert watched.watch.close()


@pytest.mark.parametrize(
    ("allowed", "lacking"),
    [
        ([AclOperation.DESCRIBE], "READ on ticks"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "DESCRIBE on ticks, READ on ticks"),
    ],
)
def test_a_topic_that_may_not_be_read_is_told_with_what_is_lacking(
    identity: TopicIdentity, allowed: list[AclOperation] | int, lacking: str
) -> None:
    brokers, watched = _tell(identity, OLD), Watched(identity)
    both, readable = [AclOperation.READ, AclOperation.DESCRIBE], []
    with capture_logs() as lines:
        for brokers.allowed in (None, allowed, allowed, both):
            watched.after(10.0)
            readable.append(watched.watch.readable)
    assert readable == [True, False, False, True]
    [line] = lines
    assert line["event"] == "ticks_not_readable"
    assert f"lacks {lacking}. Grant it" in line["remedy"]
    assert watched.watch.close()
