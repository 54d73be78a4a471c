"""The local broker is a real one: it keeps data over restarts and dies with its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ops.local import LocalKafka, LocalStartError
from tests.fixtures.kafka import KafkaCluster, unique_name
from workers.errors import StalledClientError
from workers.journal.reader import uncommitted_end

pytestmark = pytest.mark.kafka

_PARENT = """
import sys, time
from pathlib import Path
from ops.local import LocalKafka
broker = LocalKafka(Path(sys.argv[1]))
broker.start()
print(broker.pid, flush=True)
time.sleep(600)
"""


def _quiet(bootstrap: str, **options: str) -> dict[str, str | int | float | bool]:
    return {"bootstrap.servers": bootstrap, "log_level": 0, **options}


def _produce(bootstrap: str, topic: str, value: bytes) -> None:
    producer = Producer(_quiet(bootstrap))
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def _read(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer(_quiet(bootstrap, **{"group.id": unique_name("reader")}))
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        return [message.value() for message in consumer.consume(count, timeout=30)]
    finally:
        consumer.close()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (
        "Z"
        not in subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout.strip()
    )


def test_the_fixture_creates_topics_and_refuses_unknown_ones(kafka: KafkaCluster) -> None:
    topic = kafka.create_topic("ticks", partitions=3)
    admin = kafka.admin()
    assert len(admin.list_topics(timeout=10).topics[topic].partitions) == 3
    missing = admin.list_topics(unique_name("missing"), timeout=10)
    assert all(entry.error is not None for entry in missing.topics.values())


def _end(admin: AdminClient, topic: str) -> int | None:
    try:
        return uncommitted_end(admin, topic, 0, 15)
    except StalledClientError:
        return None


def test_port_data_and_clients_survive_stop_and_kill(tmp_path: Path) -> None:
    with LocalKafka(tmp_path) as broker:
        bootstrap = broker.bootstrap
        admin = AdminClient(_quiet(bootstrap))
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)
        _produce(bootstrap, "kept", b"first")
        assert _end(admin, "kept") == 1
        broker.stop()
        assert broker.pid is None
        broker.start()
        _produce(bootstrap, "kept", b"second")
        broker.kill()
        broker.start()
        assert broker.bootstrap == bootstrap
        assert _read(bootstrap, "kept", 2) == [b"first", b"second"]
        # The leader's epoch has changed: a worker's client, kept since before, must notice.
        deadline_s = time.monotonic() + 60
        while _end(admin, "kept") != 2:
            assert time.monotonic() < deadline_s
            time.sleep(0.2)
    assert broker.pid is None


def test_a_paused_broker_does_not_answer_until_resumed(tmp_path: Path) -> None:
    with LocalKafka(tmp_path) as broker:
        broker.pause()
        with pytest.raises(KafkaException):
            AdminClient(_quiet(broker.bootstrap)).list_topics(timeout=1)
        broker.resume()
        assert AdminClient(_quiet(broker.bootstrap)).list_topics(timeout=30).brokers
        broker.pause()  # leaving the context must end a paused broker too
    assert broker.pid is None


def test_a_bad_setting_fails_with_the_brokers_own_words(tmp_path: Path) -> None:
    broker = LocalKafka(tmp_path, settings={"num.network.threads": "none"})
    with pytest.raises(LocalStartError, match=r"num\.network\.threads"):
        broker.start()
    assert broker.pid is None


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_the_broker_ends_with_its_parent(tmp_path: Path, ending: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        broker_pid = int(parent.stdout.readline())
        assert _alive(broker_pid)
        parent.send_signal(ending)
        parent.wait(30)
    for _ in range(300):
        if not _alive(broker_pid):
            return
        time.sleep(0.1)
    os.kill(broker_pid, signal.SIGKILL)
    pytest.fail("the broker outlived its parent")


def test_a_port_that_another_listens_on_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalStartError, match=f"port {port} is in use"):
            LocalKafka(tmp_path, port=port).start()
