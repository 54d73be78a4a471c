"""The subscriber in Java reads what workers write, field by field as an independent reader does."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Producer

from core import Output
from ops.local.artifacts import Pin, fetch, kafka_jars
from ops.local.cache import cache_dir, exclusive
from ops.local.storage import FAST_START
from schemas import (
    ConfluentFraming,
    FlagEventCodec,
    Framing,
    ResultCodec,
    SingleObjectFraming,
    registry_client,
)
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.schemas import reference
from tests.schemas.test_flag_event import EVENT
from tests.schemas.test_result import seeded

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "subscriber-java"
AVRO = Pin(
    "org.apache.avro",
    "avro",
    "1.12.1",
    "72600f057bfbe2efe35fa55433e7756d45667dc938934be38a6e2be368aca237",
)
RESULTS, EVENTS = 50, 5

needs_jdk = pytest.mark.skipif(
    shutil.which("java") is None or shutil.which("javac") is None, reason="no JDK is installed"
)


@pytest.fixture(scope="module")
def java() -> Sequence[str]:
    """The command that runs the file: the broker's jars have all that Avro needs beside it."""
    folder = cache_dir() / f"avro-{AVRO.version}"
    with exclusive(folder / "lock"):
        fetch([AVRO], folder)
    path = f"{kafka_jars()}/*:{folder}/*"
    return ["java", "-Xmx256m", *FAST_START, "-cp", path, str(FOLDER / "Subscriber.java")]


def _values(framing: Framing, source: str, *, asset: str) -> tuple[list[bytes], list[bytes]]:
    """Results with every kind of double among them, and events, of ticks of `source`."""
    columns = seeded(RESULTS)
    columns.outputs[:5, Output.DGM_ENTROPY] = np.nan
    columns.outputs[5, Output.PREDICTED_NEXT] = np.inf
    columns.outputs[6, Output.PREDICTED_NEXT] = -0.0
    columns.outputs[7, Output.PREDICTED_NEXT] = np.nextafter(0.1, 1.0)
    columns = replace(columns, source_topic=source, asset_id=[asset.encode()] * RESULTS)
    events = [replace(EVENT, event_id=f"{source}-{number}") for number in range(EVENTS)]
    codec = FlagEventCodec(framing)
    return ResultCodec(framing).encode_batch(columns), [codec.encode(event) for event in events]


def _send(kafka: KafkaCluster, topic: str, committed: list[bytes], aborted: list[bytes]) -> None:
    """Some of them twice, and some in a transaction that does not count."""
    settings = {"bootstrap.servers": kafka.bootstrap, "transactional.id": unique_name("sender")}
    producer = Producer(settings | {"compression.type": "lz4"})
    producer.init_transactions(30)
    for values, end in (
        (aborted, producer.abort_transaction),
        (committed + committed[:3], producer.commit_transaction),
    ):
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value)
        producer.flush(30)
        end(30)


def _read(value: bytes, name: str, header_size: int) -> dict[str, Any]:
    """By fastavro and the contract alone; doubles that JSON lacks as Avro spells them."""
    return {
        field: [_spelled(one) for one in found] if isinstance(found, list) else _spelled(found)
        for field, found in reference.read(name, value, header_size).items()
    }


def _spelled(value: Any) -> Any:
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _lines(command: Sequence[str]) -> Iterator[dict[str, Any]]:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return map(json.loads, ran.stdout.splitlines())


@needs_jdk
@pytest.mark.kafka
@pytest.mark.registry
def test_it_prints_each_committed_record_once_in_both_framings(
    kafka: KafkaCluster, registry_url: str, java: Sequence[str]
) -> None:
    expected: dict[str, list[dict[str, Any]]] = {}
    with registry_client(registry_url) as client:
        for kind in ("single", "confluent"):
            names = {name: kafka.create_topic(f"{kind}-{name}") for name in ("results", "flags")}
            for name, topic in names.items():
                framing: Framing = (
                    SingleObjectFraming() if kind == "single" else ConfluentFraming(client, topic)
                )
                pick = ("results", "flags").index(name)
                values = _values(framing, kind, asset="acción €")[pick]
                _send(kafka, topic, values, _values(framing, "aborted", asset="A")[pick])
                contract = ("PredictionResult", "FlagEvent")[pick]
                expected[topic] = [_read(one, contract, framing.header_size) for one in values]
    total = sum(map(len, expected.values()))
    options = ("--bootstrap", kafka.bootstrap, "--topics", ",".join(expected))
    known = ("--schemas", str(ROOT / "schemas"), "--registry", registry_url)
    ends = ("--group", unique_name("desk"), "--limit", str(total))
    found: dict[str, list[dict[str, Any]]] = {topic: [] for topic in expected}
    for line in _lines([*java, *options, *known, *ends]):
        found[line["topic"]].append(line["record"])
    assert total == 2 * (RESULTS + EVENTS)
    assert found == expected
    assert {type(one["sequence"]) for one in found[next(iter(found))]} == {int}


@needs_jdk
def test_it_says_what_is_wrong_with_its_options(java: Sequence[str]) -> None:
    ran = subprocess.run([*java, "--topic", "x"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: --topic is unknown")


def test_the_versions_that_users_get_are_those_that_are_tested() -> None:
    wanted = re.findall(
        r"<artifactId>(kafka-clients|avro)</artifactId>\s*<version>(.*?)</version>",
        (FOLDER / "pom.xml").read_text("utf-8"),
    )
    pinned = (ROOT / "ops" / "local" / "kafka.lock").read_text("utf-8")
    [kafka_clients] = re.findall(r"^org.apache.kafka:kafka-clients:(\S+) ", pinned, re.MULTILINE)
    assert dict(wanted) == {"kafka-clients": kafka_clients, "avro": AVRO.version}
    page = (FOLDER / "README.md").read_text("utf-8")
    source = (FOLDER / "Subscriber.java").read_text("utf-8")
    shown = set(re.findall(r"^\| `(--\w+)`", page, re.MULTILINE))
    assert shown == set(re.findall(r'"(--\w+)"', source))
