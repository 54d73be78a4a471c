"""A read_committed subscriber beside the fleet: what its users would have seen, and when."""

import threading
import time
from typing import Any, NamedTuple

from ops.records.follow import StartAt, follow

__all__ = ["Seen", "Subscriber"]


class Seen(NamedTuple):
    """One visible record.

    Attributes:
        partition: of the followed topic.
        value: its bytes.
        seen_s: Unix time at which the subscriber had it, in seconds.
    """

    partition: int
    value: bytes
    seen_s: float


class Subscriber:
    """Follows one topic on a thread of its own, from its beginning.

    Args:
        topic: the topic.
        options: librdkafka's, with the brokers' address.
    """

    def __init__(self, topic: str, options: dict[str, Any]) -> None:
        self.records: list[Seen] = []
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(topic, options), name=f"subscriber-{topic}", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop following; waits for records on their way at most a second or two."""
        self._closed.set()
        self._thread.join(5.0)

    def _run(self, topic: str, options: dict[str, Any]) -> None:
        quick = {**options, "fetch.wait.max.ms": 10}
        for message in follow(
            topic,
            options=quick,
            start=StartAt.BEGINNING,
            stop_at_end=False,
            stopped=self._closed.is_set,
        ):
            self.records.append(Seen(message.partition() or 0, message.value() or b"", time.time()))
