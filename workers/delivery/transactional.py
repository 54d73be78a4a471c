"""Exactly-once outputs: one Kafka transaction a cycle (design §5)."""

from collections.abc import Sequence

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from workers.delivery.hanging import end_hanging
from workers.delivery.life import ProducerLife
from workers.delivery.outputs import GroupTicket, Outputs
from workers.emission.out_message import OutMessage
from workers.faults import fault_point, fault_point_during
from workers.time_limit import time_limit

__all__ = ["TransactionalOutputs"]


class TransactionalOutputs(Outputs):
    """Results, flags, dead letters, journal and offsets become visible together or not at all."""

    def _initialise(self, producer: Producer, admin: AdminClient, timeout_s: float) -> None:
        producer.init_transactions(timeout_s)
        end_hanging(producer, admin, self._config)

    def _begin(self, life: ProducerLife) -> None:
        if not life.open:
            life.producer.begin_transaction()
            life.open = True

    def _journal(self, life: ProducerLife, messages: Sequence[OutMessage]) -> None:
        for message in messages:
            life.send(message)

    def _run_commit(
        self, life: ProducerLife, offsets: Sequence[TopicPartition], group: GroupTicket
    ) -> None:
        # One limit for both calls: the loop may wait for this commit, and a stop for the loop.
        timeout_s = self._config.client_timeout_s
        left_s = time_limit(timeout_s)
        self._begin(life)
        fault_point("before_send_offsets")
        life.producer.send_offsets_to_transaction(list(offsets), group.metadata, timeout_s)
        fault_point("after_send_offsets")
        fault_point("before_commit")
        fault_point_during("during_commit")
        life.producer.commit_transaction(left_s())
        life.open = False
        fault_point("after_commit")
