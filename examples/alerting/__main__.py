"""`python -m examples.alerting`."""

import argparse
import functools
import logging
import signal
import threading
from pathlib import Path

from confluent_kafka import Consumer

from examples.alerting.decode import by_registry, by_schema_file
from examples.alerting.follow import SEVERITIES, follow
from examples.alerting.webhook import post


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Post flag events to a webhook.")
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", default="flags")
    parser.add_argument("--group", default="alerting")
    parser.add_argument("--webhook", required=True)
    parser.add_argument("--minimum-severity", choices=SEVERITIES, default="warning")
    schema = parser.add_mutually_exclusive_group(required=True)
    schema.add_argument("--registry")
    schema.add_argument("--schema", type=Path)
    return parser.parse_args()


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    chosen = _arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    consumer = Consumer(
        {
            "bootstrap.servers": chosen.bootstrap,
            "group.id": chosen.group,
            # Without this, events of transactions that were aborted would be seen.
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([chosen.topic])
    try:
        follow(
            consumer,
            by_registry(chosen.registry) if chosen.registry else by_schema_file(chosen.schema),
            functools.partial(post, chosen.webhook),
            minimum_severity=chosen.minimum_severity,
            stopped=stop.is_set,
        )
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
