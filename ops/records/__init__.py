"""Records of any topic: read, decoded by their own schema, shown."""

from ops.records.decode import Record, RecordReader
from ops.records.follow import StartAt, TopicUnreadableError, follow
from ops.records.select import Selection
from ops.records.show import as_json, as_text

__all__ = [
    "Record",
    "RecordReader",
    "Selection",
    "StartAt",
    "TopicUnreadableError",
    "as_json",
    "as_text",
    "follow",
]
