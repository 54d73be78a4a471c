"""What `--topic`, `--from` and `--to` mean."""

from collections.abc import Mapping
from typing import Any

from workers.config import WorkerConfig
from workers.replay import Bound, TopicSource, capture_range

__all__ = ["open_topic"]


def open_topic(
    config: WorkerConfig,
    topic: str,
    begin: str | None,
    end: str | None,
    *,
    before: Mapping[str, Any] | None = None,
    keep_messages: bool = False,
) -> TopicSource:
    """The range of a topic, its end captured now. Blocks.

    Args:
        config: where the brokers are.
        topic: its name.
        begin: an offset or a time; None: from the first record that is retained.
        end: likewise, to stop before; None: the end of now.
        before: the description of the source of interrupted work, which keeps its range.
        keep_messages: as `TopicSource`.

    Raises:
        ReplayError: there is no such topic, or a bound is neither offset nor time.
        RetryableError: the brokers do not answer.
    """
    bounds = [Bound.parse(text) if text else None for text in (begin, end)]
    span = capture_range(config, topic, *bounds, before=before)
    return TopicSource(config, span, keep_messages=keep_messages)
