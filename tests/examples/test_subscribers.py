"""The programs on docs/subscribers.md are run as they stand, against a real fleet."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from schemas import ConfluentFraming, TickCodec, registry_client
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.kafka.conftest import MakeFleet, make_fleet
from tests.kafka.feed import Ticks, random_ticks

__all__ = ["make_fleet"]

pytestmark = [pytest.mark.kafka, pytest.mark.registry]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "subscribers.md").read_text("utf-8")
RESULTS, FLAGS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TICKS = 600


def _lines(program: str, replaced: dict[str, str], count: int, output: Path) -> list[list[str]]:
    """Run a program of the page until it has printed so many lines."""
    for documented, actual in replaced.items():
        assert documented in program
        program = program.replace(documented, actual)
    with output.open("wb") as sink:
        running = subprocess.Popen([sys.executable, "-u", "-c", program], stdout=sink)
    try:
        deadline_s = time.monotonic() + 60
        while output.read_text().count("\n") < count and time.monotonic() < deadline_s:
            assert running.poll() is None
            time.sleep(0.05)
    finally:
        running.kill()
        running.wait()
    *whole, _ = output.read_text().split("\n")
    return [line.split() for line in whole]


def _produce(kafka: KafkaCluster, registry_url: str, topic: str, ticks: Ticks) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    with registry_client(registry_url) as client:
        codec = TickCodec(ConfluentFraming(client, topic))
        values = codec.encode_batch(ticks.asset, ticks.price, ticks.price, ticks.timestamp_ns)
    for asset, value in zip(ticks.asset, values, strict=True):
        producer.produce(topic, value, asset.encode())
    assert producer.flush(30) == 0


def test_both_programs_print_what_the_fleet_says(
    kafka: KafkaCluster, registry_url: str, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    topic = kafka.create_topic("ticks")
    fleet = make_fleet("fleet", topic, 1, schema_registry_url=registry_url)
    ticks = random_ticks(TICKS, 1, seed=1)
    ticks.price[TICKS // 2 :] = 10.0  # a price that stands still is an event
    _produce(kafka, registry_url, topic, ticks)
    fleet.start("w-0")
    broker = {"localhost:9092": kafka.bootstrap}
    predictions = fleet.topics["predictions"]
    results = {"http://localhost:8081": registry_url, '"predictions"': f'"{predictions}"'}
    # Flags are written with their results: once the last of these is there, so are they.
    results['"desk-1"'] = f'"{unique_name("desk")}"'
    lines = _lines(RESULTS, {**broker, **results}, 200, tmp_path / "results.txt")
    sequences = [int(sequence) for _, sequence, _ in lines]
    assert len(sequences) >= 200
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))

    flags = {'"flags"': f'"{fleet.topics["flags"]}"', '"pager"': f'"{unique_name("pager")}"'}
    events = _lines(FLAGS, {**broker, **flags}, 1, tmp_path / "flags.txt")
    fleet.stop()
    identity, kind, moment = events[0]
    assert identity.startswith(f"{topic}-0-")
    assert re.fullmatch(r"tickfleet\.\w+\.(raised|cleared|instant)", kind)
    assert moment.endswith("Z")
