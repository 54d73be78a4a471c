"""The alerting example against a real broker and a webhook that fails at times."""

import http.server
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from examples.alerting.seen import Seen
from examples.alerting.webhook import NotTakenError, RefusedError, post
from schemas import (
    ConfluentFraming,
    FlagEvent,
    FlagEventCodec,
    Framing,
    Severity,
    SingleObjectFraming,
    registry_client,
)
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.schemas.test_flag_event import EVENT

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "schemas" / "avro" / "FlagEvent.avsc"


@dataclass
class Webhook:
    """What was posted; `answers` are the next statuses, 200 when none is left."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A receiver on loopback."""
    hook = Webhook()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = hook.answers.pop(0) if hook.answers else 200
            if status == 200:
                hook.events.append(body)
                hook.keys.append(self.headers["Idempotency-Key"])
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/alerts"
    yield hook
    server.shutdown()
    server.server_close()
    thread.join()


def _events() -> list[FlagEvent]:
    """Five events, of which the third repeats the first and the fourth is of little weight."""
    critical = [
        replace(EVENT, event_id=f"e-{number}", severity=Severity.CRITICAL) for number in range(3)
    ]
    info = replace(EVENT, event_id="e-info", severity=Severity.INFO)
    return [critical[0], critical[1], critical[0], info, critical[2]]


def _produce(kafka: KafkaCluster, topic: str, framing: Framing, events: list[FlagEvent]) -> None:
    codec = FlagEventCodec(framing)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for event in events:
        producer.produce(topic, codec.encode(event), headers=dict(codec.cloudevent_headers(event)))
    assert producer.flush(30) == 0


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "examples.alerting", *arguments], cwd=ROOT)


def _wait(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


@pytest.mark.kafka
def test_each_event_is_posted_once_in_order_whatever_the_webhook_answers(
    kafka: KafkaCluster, webhook: Webhook
) -> None:
    topic = kafka.create_topic("flags")
    _produce(kafka, topic, SingleObjectFraming(), _events())
    webhook.answers = [503, 200, 429]
    group = unique_name("alerting")
    options = (
        *("--bootstrap", kafka.bootstrap, "--topic", topic, "--group", group),
        *("--webhook", webhook.url, "--schema", str(SCHEMA)),
    )
    consumer = _start(*options)
    try:
        _wait(lambda: len(webhook.events) == 3)
        assert [event["event_id"] for event in webhook.events] == ["e-0", "e-1", "e-2"]
        assert webhook.keys == ["e-0", "e-1", "e-2"]
        assert webhook.events[0]["type"] == EVENT.type.value
        consumer.send_signal(signal.SIGTERM)
        assert consumer.wait(30) == 0
        # The next run goes on behind what was taken.
        _produce(kafka, topic, SingleObjectFraming(), [replace(_events()[0], event_id="e-new")])
        consumer = _start(*options)
        _wait(lambda: len(webhook.events) >= 4)
        assert [event["event_id"] for event in webhook.events[3:]] == ["e-new"]
    finally:
        consumer.kill()
        consumer.wait()


@pytest.mark.kafka
@pytest.mark.registry
def test_with_a_registry_no_schema_file_is_needed(
    kafka: KafkaCluster, registry_url: str, webhook: Webhook
) -> None:
    topic = kafka.create_topic("flags")
    with registry_client(registry_url) as client:
        _produce(kafka, topic, ConfluentFraming(client, topic), _events()[:1])
    consumer = _start(
        *("--bootstrap", kafka.bootstrap, "--topic", topic, "--group", unique_name("alerting")),
        *("--webhook", webhook.url, "--registry", registry_url),
    )
    try:
        _wait(lambda: len(webhook.events) == 1)
    finally:
        consumer.kill()
        consumer.wait()
    assert webhook.events[0]["values"] == dict(EVENT.values)


def test_a_refusal_is_final_and_a_failure_is_not(webhook: Webhook) -> None:
    event = {"event_id": "e"}
    webhook.answers = [400, 500]
    with pytest.raises(RefusedError, match="answered 400"):
        post(webhook.url, event)
    with pytest.raises(NotTakenError, match="answered 500"):
        post(webhook.url, event)
    with pytest.raises(NotTakenError):
        post("http://127.0.0.1:1/", event)
    post(webhook.url, event)
    assert webhook.events == [event]


def test_memory_of_what_was_seen_is_bounded() -> None:
    seen = Seen(limit=2)
    for name in "abc":
        assert seen.is_new(name)
        seen.add(name)
    assert seen.is_new("a")
    assert not seen.is_new("b")
    seen.add("b")
    seen.add("d")
    assert seen.is_new("c")
    assert not seen.is_new("b")
