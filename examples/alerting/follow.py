"""The loop: take events, post them in order, commit what has been dealt with."""

import logging
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer

from examples.alerting.decode import Decode
from examples.alerting.seen import Seen
from examples.alerting.webhook import NotTakenError, RefusedError

__all__ = ["SEVERITIES", "follow"]

SEVERITIES = ("info", "warning", "critical")
_log = logging.getLogger("alerting")


def follow(
    consumer: Consumer,
    decode: Decode,
    send: Callable[[dict[str, Any]], None],
    *,
    minimum_severity: str = "warning",
    stopped: Callable[[], bool] = lambda: False,
    pause_s: float = 1.0,
) -> None:
    """Run until `stopped`. Offsets are committed only behind events that were taken.

    Args:
        consumer: subscribed to the flags topic, read_committed, without auto commit.
        decode: an event out of a message.
        send: hands an event on; raises NotTakenError to be called again.
        minimum_severity: lesser events are passed over.
        stopped: asked between events and between tries.
        pause_s: between tries.
    """
    least = SEVERITIES.index(minimum_severity)
    seen = Seen()
    while not stopped():
        message = consumer.poll(0.5)
        if message is None:
            continue
        problem = message.error()
        if problem is not None:
            _log.warning("kafka: %s", problem)
            continue
        event = decode(message)
        wanted = SEVERITIES.index(event["severity"]) >= least and seen.is_new(event["event_id"])
        if wanted and not _deliver(event, send, stopped, pause_s):
            return  # not taken, not committed: the next start begins with it
        seen.add(event["event_id"])
        consumer.commit(message=message, asynchronous=True)


def _deliver(
    event: dict[str, Any],
    send: Callable[[dict[str, Any]], None],
    stopped: Callable[[], bool],
    pause_s: float,
) -> bool:
    while True:
        try:
            send(event)
        except NotTakenError as error:
            _log.warning("again: %s", error)
            if stopped():
                return False
            time.sleep(pause_s)
        except RefusedError as error:
            _log.error("passed over %s: %s", event["event_id"], error)
            return True
        else:
            return True
