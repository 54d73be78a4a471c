"""The threads that keep a board up to date: results, flag events, the picture of the fleet.

Each is independent: where one fails it says so on the board and tries again, for ever.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Self

import structlog
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from core.errors import TickFleetError
from ops.top import FleetObserver
from ops.web.board import Board
from ops.web.growth import Growth
from ops.web.tail import Tail
from ops.web.thin import thinned
from schemas import FlagEvent, FlagEventCodec, ResultCodec
from workers.brokers.client_config import admin_settings
from workers.config import WorkerConfig
from workers.emission.framing import framing_by_topic

__all__ = ["Feeds"]

_log = structlog.get_logger()
_POLL_S: Final = 0.25
_PICTURE_S: Final = 1.0
_RETRY_S: Final = 2.0
_STOP_S: Final = 5.0
_RESULTS_BEFORE: Final = 2_000
_FLAGS_BEFORE: Final = 300


class Feeds:
    """Runs from entering the context to leaving it.

    Args:
        config: names the cluster, the topics, the group and the store.
        board: what is filled.
    """

    def __init__(self, config: WorkerConfig, board: Board) -> None:
        self._config = config
        self._board = board
        self._stopped = threading.Event()
        jobs: dict[str, Callable[[], None]] = {
            "predictions": self._results,
            "flags": self._flags,
            "fleet": self._pictures,
        }
        self._threads = [
            threading.Thread(target=self._keep_up, args=(name, job), name=f"feed-{name}")
            for name, job in jobs.items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.daemon = True
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        # One that waits for brokers which are away is left behind: it holds nothing.
        deadline_s = time.monotonic() + _STOP_S
        for thread in self._threads:
            thread.join(max(deadline_s - time.monotonic(), 0.0))

    def _keep_up(self, name: str, job: Callable[[], None]) -> None:
        while not self._stopped.is_set():
            try:
                job()
            except TickFleetError as error:
                _log.warning("feed_interrupted", feed=name, reason=str(error))
                self._board.note(name, str(error))
            self._stopped.wait(_RETRY_S)

    def _results(self) -> None:
        topic = self._config.topics.predictions
        codec = ResultCodec(framing_by_topic(self._config)(topic))
        with Tail(self._config, topic, before=_RESULTS_BEFORE) as tail:
            self._board.note("predictions", None)
            while not self._stopped.is_set() and not tail.outgrown:
                messages, skipped = tail.take(_POLL_S)
                wanted = [one for one in messages if self._board.follows(_key(one))]
                chosen = thinned(wanted)
                left_out = skipped + len(messages) - len(chosen)
                # Decoded before the board is asked for: nobody waits for its lock meanwhile.
                results = list(_decoded(chosen, codec.decode))
                self._board.add_results(results, left_out=left_out)

    def _flags(self) -> None:
        topic = self._config.topics.flags
        codec = FlagEventCodec(framing_by_topic(self._config)(topic))
        with Tail(self._config, topic, before=_FLAGS_BEFORE) as tail:
            self._board.note("flags", None)
            while not self._stopped.is_set() and not tail.outgrown:
                messages, _ = tail.take(_POLL_S)
                events: list[FlagEvent] = list(_decoded(messages, codec.decode))
                # Partitions come one after the other; a reader wants the order of events.
                self._board.add_flags(sorted(events, key=lambda one: one.timestamp_ns))

    def _pictures(self) -> None:
        growth = Growth(self._config.topics.ticks)
        admin = AdminClient(admin_settings(self._config))
        with FleetObserver(self._config) as observer:
            known = 0
            while not self._stopped.is_set() and not (known and growth.seen(admin, known)):
                picture = observer.picture(_PICTURE_S)
                known = len(picture.partitions)
                self._board.add_picture(picture)
                self._board.note("fleet", "; ".join(picture.warnings) or None)


def _key(message: Message) -> str:
    return (message.key() or b"").decode("utf-8", "replace")


def _decoded(messages: Sequence[Message], decode: Callable[[bytes], Any]) -> Iterator[Any]:
    for message in messages:
        try:
            yield decode(message.value() or b"")
        except TickFleetError:
            continue  # a foreign record: `tickfleet tail` shows it, a page need not
