"""Results of a run into a topic, and its flag events into another, each once, whatever is killed.

A transaction holds some results, the flag events they raised and how many results the topic then
has. Whoever goes on with the run reads that number and leaves as many out, with their events.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from confluent_kafka import Producer

from schemas import FlagEvent, FlagEventCodec, ResultCodec, ResultColumns
from workers.emission.framing import framing_by_topic
from workers.replay.errors import ReplayError
from workers.replay.output.record_columns import Headers
from workers.replay.to_topic.publishing import Publishing
from workers.replay.to_topic.run_group import RunGroup

__all__ = ["RUN_ID_HEADER", "RunPublisher"]

RUN_ID_HEADER: Final = "run_id"
_ANY_PARTITION: Final = -1
_BATCH: Final = 20_000
_Raised: TypeAlias = dict[tuple[int, int], list[FlagEvent]]


class RunPublisher:
    """Publishes one run's results and flag events in their order.

    Args:
        publishing: where to.
        token: the run's own, which it keeps when it goes on.
        done: how many results the run has made before, published or not.

    Raises:
        NotAllowedError, ReplayError, RetryableError: as `RunGroup`.
    """

    def __init__(self, publishing: Publishing, token: str, *, done: int) -> None:
        self._to = publishing
        self._made = done
        framing_of = framing_by_topic(publishing.config)
        self._codec = ResultCodec(framing_of(publishing.topic))
        self._flag_codec = FlagEventCodec(framing_of(publishing.flags_topic or publishing.topic))
        self._group = RunGroup(publishing, token, done=done)

    def publish(self, results: ResultColumns, events: Iterable[FlagEvent]) -> None:
        """Make results visible with the events that they raised, but for what is already. Blocks.

        Raises:
            ReplayError: a result is of a partition that the topic does not have.
            RetryableError: the brokers did not take them.
        """
        count, made = len(results.asset_id), self._made
        fresh = range(max(self._group.published - made, 0), count)
        values = self._codec.encode_batch(results)
        raised: _Raised = defaultdict(list)
        for event in events if self._to.flags_topic is not None else ():
            raised[event.source_partition, event.source_offset].append(event)
        for first in range(fresh.start, count, _BATCH):
            self._refuse_missing_partitions(results)
            which = range(first, min(first + _BATCH, count))
            produce = partial(self._produce, results, values, raised, which)
            self._group.transact(made + which.stop, produce)
        self._made += count

    def close(self) -> None:
        """Leave the brokers."""
        self._group.close()

    def _refuse_missing_partitions(self, results: ResultColumns) -> None:
        partitions, needed = self._group.partitions, int(np.max(results.source_partition)) + 1
        if self._to.same_partition and needed > partitions:
            raise ReplayError(
                f"{self._to.topic} has {partitions} partitions, the ticks {needed} at least: "
                "create it with as many as the ticks have"
            )

    def _produce(
        self,
        results: ResultColumns,
        values: list[bytes],
        raised: _Raised,
        which: range,
        producer: Producer,
    ) -> None:
        headers: Headers = [(RUN_ID_HEADER, self._to.run_id)]
        partitions, offsets = results.source_partition, results.source_offset
        for i in which:
            producer.produce(
                self._to.topic,
                values[i],
                results.asset_id[i],
                partition=int(partitions[i]) if self._to.same_partition else _ANY_PARTITION,
                headers=headers,
            )
            for event in raised.get((int(partitions[i]), int(offsets[i])), ()):
                # As a worker does, beside the run's id.
                producer.produce(
                    str(self._to.flags_topic),
                    self._flag_codec.encode(event),
                    event.asset_id.encode(),
                    headers=[*headers, *self._flag_codec.cloudevent_headers(event)],
                )
