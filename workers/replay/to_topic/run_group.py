"""The group named after a run: how many of its results are published, and whose run id it is.

Its committed offset is the number, with the run's token. A run makes its results in the same order
each time, so the number says which ones; another run's number says nothing.
"""

from collections.abc import Callable
from dataclasses import replace

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from core.errors import RetryableError
from workers.brokers.client_config import producer_settings, reader_settings
from workers.brokers.commits import commits_of
from workers.brokers.rights import not_allowed
from workers.config import Delivery
from workers.errors import NotAllowedError
from workers.replay.errors import ReplayError, TakenRunIdError
from workers.replay.to_topic.publishing import Publishing

__all__ = ["RunGroup"]


class RunGroup:
    """Transactions that commit how many results are published. Made, it has taken the run id.

    Args:
        publishing: where to.
        token: the run's own, which it keeps when it goes on.
        done: how many results the run has made before, published or not.

    Attributes:
        published: how many results are published.
        partitions: how many the topic of the results has.

    Raises:
        NotAllowedError: this user may not write the topics.
        TakenRunIdError: the run id is another run's.
        ReplayError: a topic is not there, or what was published is not known any more.
        RetryableError: the brokers did not answer.
    """

    def __init__(self, publishing: Publishing, token: str, *, done: int) -> None:
        self._to, self._token = publishing, token
        config = replace(
            publishing.config, group_id=publishing.group, delivery=Delivery.EXACTLY_ONCE
        )
        self._timeout_s = config.client_timeout_s
        self._reader = Consumer(reader_settings(config))
        try:
            self.partitions = self._count_partitions(publishing.topic)
            if publishing.flags_topic is not None:
                self._count_partitions(publishing.flags_topic)
            # What fails, a single message too, fails the transaction.
            settings = producer_settings(config, lambda _error: None)
            self._producer = Producer({**settings, "transactional.id": publishing.group})
            # Another run that has this run id may be at work, which what follows would end.
            self._refuse_others(self._committed())
            # Whoever else goes on with this one commits no more, before the number is read.
            self._producer.init_transactions(self._timeout_s)
            committed = self._committed()
            self._refuse_others(committed)
            self.published = self._published(committed, done)
            if committed.offset < 0:
                self.transact(0, lambda _producer: None)
        except KafkaException as error:
            self._reader.close()
            raise self._lacking(error.args[0]) or RetryableError(
                f"{publishing.topic} cannot be written to: {error}"
            ) from error
        except (ReplayError, NotAllowedError, RetryableError):
            self._reader.close()
            raise

    def transact(self, published: int, produce: Callable[[Producer], None]) -> None:
        """Make visible what is produced, after which so many results are published. Blocks.

        Raises:
            NotAllowedError: this user may not.
            RetryableError: the brokers did not take it.
        """
        try:
            self._producer.begin_transaction()
            produce(self._producer)
            self._producer.send_offsets_to_transaction(
                [self._progress(published)],
                self._reader.consumer_group_metadata(),
                self._timeout_s,
            )
            self._producer.commit_transaction(self._timeout_s)
        except (KafkaException, BufferError) as error:
            lacking = isinstance(error, KafkaException) and self._lacking(error.args[0])
            raise lacking or RetryableError(
                f"{self._to.topic}: results could not be published ({error}): go on with --resume"
            ) from error
        self.published = published

    def close(self) -> None:
        """Leave the brokers."""
        self._reader.close()
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)

    def _progress(self, count: int) -> TopicPartition:
        return TopicPartition(self._to.topic, 0, count, self._token)

    def _committed(self) -> TopicPartition:
        [committed] = commits_of(self._reader, [self._progress(0)], self._timeout_s)
        return committed

    def _refuse_others(self, committed: TopicPartition) -> None:
        if committed.offset >= 0 and (committed.metadata or "") != self._token:
            raise TakenRunIdError(
                f"{self._to.topic}: the run id {self._to.run_id} is another run's: give another "
                "--run-id, or go on with that run, by its own --out and --resume"
            )

    def _published(self, committed: TopicPartition, done: int) -> int:
        """How many results of this very run are published."""
        published = max(int(committed.offset), 0)
        if published < done:
            raise ReplayError(
                f"{self._to.topic}: the group {self._to.group} knows of {published} published "
                f"results, the run made {done}: its offsets were removed. Remove the partial run "
                "and publish under another --run-id"
            )
        return published

    def _lacking(self, error: KafkaError | None) -> NotAllowedError | None:
        flags = f" and WRITE, DESCRIBE on {self._to.flags_topic}" if self._to.flags_topic else ""
        needed = {
            "topic": f"READ, WRITE, DESCRIBE on {self._to.topic}{flags}",
            "group": f"READ on {self._to.group}",
            "transactional id": f"WRITE, DESCRIBE on {self._to.group}",
        }
        return not_allowed(error, needed)

    def _count_partitions(self, topic: str) -> int:
        found = self._reader.list_topics(topic, self._timeout_s).topics[topic]
        if found.error is not None or not found.partitions:
            raise self._lacking(found.error) or ReplayError(
                f"no topic {topic}: create it first, with as many partitions as the ticks have"
            )
        return len(found.partitions)
