"""What the journal says of a stepped micro-batch, as messages."""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from schemas import Framing, JournalCodec, JournalRecord
from schemas.journal import MOST_REJECTED
from workers.batching.pipeline import SteppedBatch
from workers.batching.records import RecordBatch
from workers.batching.spans import JournalSpan
from workers.config import WorkerConfig
from workers.emission.out_message import OutMessage

__all__ = ["JournalWriter"]


class JournalWriter:
    """Makes journal records.

    Args:
        config: topics, and what is said of this worker.
        framing_of: schema framing by topic.
    """

    def __init__(self, config: WorkerConfig, framing_of: Callable[[str], Framing]) -> None:
        self._topic = config.topics.journal
        self._codec = JournalCodec(framing_of(self._topic))
        self._fingerprint = config.predictor.fingerprint()
        self._worker, self._group, self._dtype = config.worker_id, config.group_id, config.dtype
        self._source_topic = config.topics.ticks

    def messages(self, records: RecordBatch, batch: SteppedBatch) -> Iterator[OutMessage]:
        """Of every span, to the partition of its records."""
        index = np.array([rejection.index for rejection in batch.rejections], dtype=np.int64)
        offset, partition = records.offset[index], records.partition[index]
        for span in batch.spans:
            number = span.partition.number
            for record in self.records_of(span, offset[partition == number]):
                yield OutMessage(self._topic, None, self._codec.encode(record), partition=number)

    def records_of(
        self, span: JournalSpan, rejected: Int64[ndarray, " rejected"]
    ) -> Iterator[JournalRecord]:
        """One record, more only where very many of the span's records were no ticks.

        Args:
            span: the records of one partition.
            rejected: offsets of those that were no ticks, ascending.
        """
        cuts = rejected[MOST_REJECTED::MOST_REJECTED].tolist()
        begins, ends = [span.from_offset, *cuts], [*(cut - 1 for cut in cuts), span.to_offset]
        for number, (begin, end) in enumerate(zip(begins, ends, strict=True)):
            here = rejected[number * MOST_REJECTED : (number + 1) * MOST_REJECTED]
            yield JournalRecord(
                from_offset=begin,
                to_offset=end,
                processing_time_ns=span.decision.processing_time_ns,
                depth=span.decision.depth,
                kernel_mask=span.decision.kernel_mask,
                config_fingerprint=self._fingerprint,
                worker=self._worker,
                rejected=tuple((here - begin).tolist()),
                dtype=self._dtype,
                group=self._group,
                source_topic=self._source_topic,
            )
