"""At-least-once outputs: acknowledged outputs first, then their journal, then the offsets.

A crash repeats at most the outputs of one commit interval, with the same cause in each.
"""

from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from workers.config import WorkerConfig
from workers.delivery.life import ProducerLife
from workers.delivery.output_limits import OutputLimits
from workers.delivery.outputs import GroupTicket, Outputs
from workers.emission.out_message import OutMessage
from workers.errors import OutputUncertainError
from workers.faults import fault_point, fault_point_during

__all__ = ["AtLeastOnceOutputs"]

# The group is between two generations, or has moved on: the next owner's commit counts.
_STALE_COMMIT = frozenset(
    {
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.STALE_MEMBER_EPOCH,
    }
)


class AtLeastOnceOutputs(Outputs):
    """Idempotent producer, no transactions."""

    def __init__(self, config: WorkerConfig, limits: OutputLimits) -> None:
        super().__init__(config, limits)
        self._group: GroupTicket | None = None

    def _initialise(self, producer: Producer, _admin: AdminClient, _timeout_s: float) -> None:
        producer.poll(0)

    def _begin(self, life: ProducerLife) -> None:
        """Nothing opens: every message stands alone."""

    def _journal(self, life: ProducerLife, messages: Sequence[OutMessage]) -> None:
        life.held.extend(messages)

    def start_commit(self, offsets: Sequence[TopicPartition], group: GroupTicket) -> None:
        """As above; the ticket is kept for `settle`."""
        self._group = group
        super().start_commit(offsets, group)

    def settle(self) -> Sequence[TopicPartition]:
        """As above; the offsets follow on this thread.

        The consumer serves one thread at a time: one that fetches, or that is called back in a
        rebalance, would keep a commit on another thread waiting, the one as long as it goes on, the
        other until the commit is given up.
        """
        offsets = super().settle()
        if offsets and self._group is not None:
            self._commit_offsets(offsets, self._group)
        return offsets

    def _run_commit(
        self,
        life: ProducerLife,
        offsets: Sequence[TopicPartition],  # noqa: ARG002  # see `settle`
        group: GroupTicket,  # noqa: ARG002
    ) -> None:
        self._flush(life)
        for message in life.held:
            life.send(message)
        life.held.clear()
        self._flush(life)

    def _commit_offsets(self, offsets: Sequence[TopicPartition], group: GroupTicket) -> None:
        fault_point("before_commit")
        fault_point_during("during_commit")
        try:
            group.commit(offsets)
        except KafkaException as error:
            if error.args[0].code() not in _STALE_COMMIT:
                raise OutputUncertainError(f"offsets were not committed: {error}") from error
        fault_point("after_commit")

    def _flush(self, life: ProducerLife) -> None:
        if life.producer.flush(self._config.client_timeout_s):
            raise OutputUncertainError("outputs were not acknowledged in time")
        life.reports.check()
