"""What `--topic`, `--from` and `--to` mean."""

from collections.abc import Mapping
from typing import Any

from workers.config import WorkerConfig
from workers.replay import Bound, ReplayError, TopicSource, capture_range

__all__ = ["bounds_of", "open_topic"]


def bounds_of(begin: str | None, end: str | None) -> tuple[Bound | None, Bound | None]:
    """Where to begin and where to stop before.

    Raises:
        ReplayError: one is neither offset nor time, or nothing can lie between them.
    """
    first, last = (Bound.parse(text) if text else None for text in (begin, end))
    if first is not None and last is not None:
        for start, stop in ((first.offset, last.offset), (first.time_ms, last.time_ms)):
            if start is not None and stop is not None and start >= stop:
                raise ReplayError(f"--to {end} must lie behind --from {begin}: it is not included")
    return first, last


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
        ReplayError: there is no such topic, or as `bounds_of`.
        RetryableError: the brokers do not answer.
    """
    span = capture_range(config, topic, *bounds_of(begin, end), before=before)
    return TopicSource(config, span, keep_messages=keep_messages)
