"""The output side of a worker, the same for both delivery guarantees.

A cycle is: any number of `produce`, one `start_commit`, one `settle`. The commit runs on its
own thread, so that the next micro-batch is fetched and stepped meanwhile. After an
`OutputUncertainError` the object is dead: `restart` makes a new producer, and every partition
must be recovered.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from workers.brokers.client_config import CONGESTED_MESSAGES, admin_settings, producer_settings
from workers.config import WorkerConfig
from workers.delivery.life import ProducerLife, Reports
from workers.delivery.output_limits import OutputLimits
from workers.delivery.output_topics import check_output_topics
from workers.delivery.refusals import in_words, remedy
from workers.emission.emitter import Emission
from workers.emission.out_message import OutMessage
from workers.errors import OutputsRefusedError, OutputUncertainError
from workers.time_limit import time_limit

__all__ = ["GroupTicket", "Outputs", "run_in_background"]

_COMMIT_LIMIT = 1.2
"""Of the client timeout, which bounds the calls of a commit together."""
_LEAST_WAIT_S = 0.05
_ASKED_FOR = 1 / 3
"""Of a restart's time left: brokers that tell nothing of topics may take records all the same."""


@dataclass(frozen=True, slots=True)
class GroupTicket:
    """A member's standing in its group at one moment.

    Attributes:
        metadata: group metadata with the generation; goes with a transaction's offsets.
        commit: commits offsets outside a transaction; blocks.
    """

    metadata: Any
    commit: Callable[[Sequence[TopicPartition]], None]


def run_in_background(act: Callable[[], None]) -> "Future[None]":
    """Run on a thread of its own, which does not hold up the end of the process if it hangs."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            act()
        except BaseException as error:
            # Its traceback would keep the producer: four threads, until garbage is collected.
            future.set_exception(error.with_traceback(None))
        else:
            future.set_result(None)

    threading.Thread(target=run, name="commit", daemon=True).start()
    return future


class Outputs(ABC):
    """Producer plus the rules of one delivery guarantee.

    Args:
        config: the worker's settings.
        limits: what the topics take at once.
    """

    def __init__(self, config: WorkerConfig, limits: OutputLimits) -> None:
        self._config = config
        self._limits = limits
        self._life: ProducerLife | None = None
        self._commit: Future[None] | None = None
        self._offsets: Sequence[TopicPartition] = ()
        self._commit_begun_s = 0.0
        self._commit_limit_s = _COMMIT_LIMIT * config.client_timeout_s
        self.commit_s = 0.0

    @property
    def ready(self) -> bool:
        """Whether there is a producer to produce with."""
        return self._life is not None

    @property
    def committing(self) -> bool:
        """Whether a commit is under way."""
        return self._commit is not None and not self._commit.done()

    @property
    def overdue(self) -> bool:
        """Whether the commit under way has taken longer than its calls' time limits allow."""
        return self.committing and self._commit_left_s() < 0.0

    @property
    def congested(self) -> bool:
        """Whether the output topics are slower than the input: stop fetching for a while."""
        return self._life is not None and len(self._life.producer) > CONGESTED_MESSAGES

    def restart(self) -> None:
        """Make a producer that fits the topics; blocks up to the client timeout.

        Raises:
            OutputUncertainError: the cluster did not answer in time, or no client can be made with
                what its files hold now; call again.
            OutputTopicsError: somebody has to mend an output topic, which it names; call again.
            OutputsRefusedError: it does not let this producer write.
        """
        self.discard()
        left_s = time_limit(self._config.client_timeout_s)
        reports = Reports()
        try:
            # A client is refused, too, while a certificate and its key do not belong together.
            admin = AdminClient(admin_settings(self._config))
            self._limits.ask(admin, _ASKED_FOR * left_s())
            check_output_topics(admin, self._config.topics, _ASKED_FOR * left_s())
            settings = producer_settings(self._config, reports.on_error)
            producer = Producer(self._limits.fit(settings))
            self._initialise(producer, admin, left_s())
        except KafkaException as error:
            mending = remedy(error)
            if mending is not None:
                raise OutputsRefusedError(f"{error.args[0].str()}: {mending}") from error
            raise OutputUncertainError(f"producer could not start: {error}") from error
        self._life = ProducerLife(producer, reports)

    def poll(self, timeout_s: float) -> None:
        """Serve delivery reports, waiting up to the timeout."""
        if self._life is not None:
            self._life.producer.poll(timeout_s)

    def produce(self, emission: Emission) -> None:
        """Hand a micro-batch's messages to the producer; no commit may be under way.

        Raises:
            OutputUncertainError: a message could not be taken or an earlier one failed.
        """
        life = self._require()
        try:
            self._begin(life)
            for partition, results in emission.results.items():
                self._send_results(life, partition, results)
            for message in emission.extras:
                life.send(message)
            self._journal(life, emission.journal)
        except (KafkaException, BufferError) as error:
            raise OutputUncertainError(
                f"outputs could not be produced: {life.why(error)}"
            ) from error
        life.producer.poll(0)
        life.reports.check()

    def start_commit(self, offsets: Sequence[TopicPartition], group: GroupTicket) -> None:
        """Begin to commit what was produced, together with these input offsets.

        Args:
            offsets: the durable snapshots' offsets with their manifests as metadata.
            group: the worker's standing in the group, taken now; what fences a zombie.
        """
        self._offsets = offsets
        self._commit_begun_s = time.monotonic()
        life = self._require()
        self._commit = run_in_background(lambda: self._timed_commit(life, offsets, group))

    def settle(self) -> Sequence[TopicPartition]:
        """Wait for the commit under way.

        Returns:
            The offsets it committed; empty if none was under way.

        Raises:
            OutputUncertainError: it failed, or its outcome is unknown.
        """
        if self._commit is None:
            return ()
        commit, self._commit = self._commit, None
        try:
            commit.result(max(self._commit_left_s(), _LEAST_WAIT_S))
        except TimeoutError as error:
            # The client's own limits do not always hold while its coordinator is away. The thread
            # is left behind with its producer, which the next one of its id will fence.
            raise OutputUncertainError(
                f"a commit does not return after {self._commit_limit_s:.0f} s"
            ) from error
        except (KafkaException, BufferError) as error:
            words = in_words(error) if self._life is None else self._life.why(error)
            raise OutputUncertainError(f"commit failed: {words}") from error
        finally:
            del commit  # else it and its error hold each other
        return self._offsets

    def discard(self) -> None:
        """Drop the producer and whatever it has not committed."""
        self._commit = None
        if self._life is not None:
            self._life.discard()
            self._life = None

    def close(self) -> None:
        """Drop the producer."""
        self.discard()

    def _commit_left_s(self) -> float:
        return self._commit_begun_s + self._commit_limit_s - time.monotonic()

    def _timed_commit(
        self, life: ProducerLife, offsets: Sequence[TopicPartition], group: GroupTicket
    ) -> None:
        self._run_commit(life, offsets, group)
        self.commit_s = time.monotonic() - self._commit_begun_s

    @abstractmethod
    def _initialise(self, producer: Producer, admin: AdminClient, timeout_s: float) -> None:
        """Make a new producer fit for use."""

    @abstractmethod
    def _begin(self, life: ProducerLife) -> None:
        """Open a cycle unless one is open."""

    @abstractmethod
    def _journal(self, life: ProducerLife, messages: Sequence[OutMessage]) -> None:
        """Take the journal records of a micro-batch."""

    @abstractmethod
    def _run_commit(
        self, life: ProducerLife, offsets: Sequence[TopicPartition], group: GroupTicket
    ) -> None:
        """On the commit thread, which may outlast the life: make everything visible or raise."""

    def _send_results(
        self, life: ProducerLife, partition: int, results: list[dict[str, Any]]
    ) -> None:
        # A partition named within a message is not heeded: the key would decide.
        taken = life.producer.produce_batch(
            self._config.topics.predictions,
            results,
            partition=partition,
            on_delivery=life.reports.on_delivery,
        )
        if taken < len(results):
            # Nothing is raised, and nothing reported, of what the client does not take.
            error = next(one["_error"] for one in results if "_error" in one)
            why = life.why(error)
            if error.code() == KafkaError._UNKNOWN_PARTITION:
                why += ". It needs as many partitions as the ticks have"
            raise OutputUncertainError(
                f"{self._config.topics.predictions}[{partition}] took {taken} of {len(results)} "
                f"results: {why}"
            )

    def _require(self) -> ProducerLife:
        if self._life is None:
            raise OutputUncertainError("there is no producer: it was discarded")
        return self._life
