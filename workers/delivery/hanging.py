"""Transactions that nobody ends any more, ended by the worker that once began them.

A coordinator that ends a transaction while one of its partitions has no leader leaves out that
partition's marker and calls the transaction ended (Apache Kafka 4.3, KAFKA-20734). When the leader
is back the transaction hangs: readers of committed records stop before it, and the next commit of
the same transactional id would make its aborted records visible. But a marker ends whatever its
producer has open in a partition, so a transaction that touches every partition which is held back,
and is aborted, ends what hangs there as what it is: aborted.
"""

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient

from workers.config import WorkerConfig
from workers.delivery.held_back import held_back
from workers.time_limit import time_limit

__all__ = ["end_hanging"]

_log = structlog.get_logger()


def end_hanging(producer: Producer, admin: AdminClient, config: WorkerConfig) -> None:
    """Abort what earlier lives of a transactional id have left open in the output topics.

    Touches every partition with an open transaction, for whose it is cannot be asked: those of
    other workers are not changed by it. What is written is aborted, so no reader of committed
    records sees it. Blocks up to the client timeout, and a little longer.

    Args:
        producer: initialised, without an open transaction.
        admin: a new client of the cluster.
        config: the worker's settings.

    Raises:
        KafkaException: a partition has no leader, or the brokers do not answer; to be called
            again before anything is committed.
    """
    left_s = time_limit(config.client_timeout_s)
    held = held_back(admin, config.topics.outputs(), left_s)
    if not held:
        return
    failures: list[KafkaError] = []

    def on_delivery(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failures.append(error)

    producer.begin_transaction()
    for place in held:
        producer.produce(place.topic, partition=place.partition, on_delivery=on_delivery)
    producer.flush(left_s())
    # What is not delivered by now fails here.
    producer.abort_transaction(left_s())
    producer.poll(0)
    if failures:
        raise KafkaException(failures[0])
    _log.info("open_transactions_swept", partitions=[f"{p.topic}[{p.partition}]" for p in held])
