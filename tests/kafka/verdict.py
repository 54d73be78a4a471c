"""From what the topics hold to a verdict, decoded by fastavro and not by the worker's codecs."""

from collections.abc import Mapping, Sequence

from ops.demo import AuditReport, PartitionTrace, audit
from tests.kafka.tap import TapRecord
from tests.schemas.reference import decode

__all__ = ["verdict"]


def verdict(
    accepted: Mapping[int, Sequence[int]],
    predictions: Mapping[int, Sequence[TapRecord]],
    *,
    dead: Mapping[int, Sequence[int]] | None = None,
    letters: Sequence[TapRecord] = (),
) -> AuditReport:
    """Compare input offsets with the visible results and dead letters.

    Args:
        accepted: offsets of sound ticks, by input partition.
        predictions: the visible results, by partition of the predictions topic.
        dead: offsets of bad records, by input partition.
        letters: the visible dead letters.
    """
    answered: dict[int, list[int]] = {number: [] for number in accepted}
    for number, records in predictions.items():
        for record in records:
            result = decode("PredictionResult", record.value)
            assert result["source_partition"] == number
            assert (record.key or b"").decode() == result["asset_id"]
            answered[number].append(result["source_offset"])
    buried: dict[int, list[int]] = {number: [] for number in accepted}
    for letter in letters:
        decoded = decode("DeadLetter", letter.value)
        buried[decoded["source_partition"]].append(decoded["source_offset"])
    return audit(
        {
            number: PartitionTrace(
                accepted[number], (dead or {}).get(number, []), answered[number], buried[number]
            )
            for number in accepted
        }
    )
