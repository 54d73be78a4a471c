"""Dead letters go back as whole records, as many as asked for; those that were cut stay."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import numpy as np
import pytest
from confluent_kafka import Producer

from ops.fleet import committed
from schemas import Rejection, SingleObjectFraming
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.tap import read_topic
from tests.ops.cli.operated import run
from workers import WorkerConfig
from workers.batching.records import RecordBatch
from workers.config import Topics
from workers.emission.burial import Undertaker

pytestmark = pytest.mark.kafka

_LIMIT_BYTES: Final = 1_000
_REASON: Final = "UnknownSchema"
_SIZES: Final = (100, 5_000, 200, 300)
"""Of the values of the records at these offsets, in bytes: the second is too large for a letter."""


def _buried(config: WorkerConfig) -> None:
    """A letter for each of the records, as a worker writes it."""
    undertaker = Undertaker(config, lambda _: SingleObjectFraming(), lambda: _LIMIT_BYTES)
    records = RecordBatch(
        messages=cast(Any, [SimpleNamespace(headers=lambda: [("h", b"1")])] * len(_SIZES)),
        partition=np.zeros(len(_SIZES), np.int64),
        offset=np.arange(len(_SIZES)),
        keys=[b"A"] * len(_SIZES),
        values=[bytes(size) for size in _SIZES],
    )
    producer = Producer({"bootstrap.servers": config.bootstrap_servers})
    for index in range(len(_SIZES)):
        letter = undertaker.bury(records, Rejection(index, _REASON, "not known"))
        producer.produce(letter.topic, letter.value, letter.key)
    assert producer.flush(10) == 0


def test_a_cut_letter_is_named_and_not_sent(kafka: KafkaCluster, tmp_path: Path) -> None:
    ticks, letters = kafka.create_topic("ticks"), kafka.create_topic("letters")
    topics = Topics(ticks=ticks, dead_letters=letters)
    worker = WorkerConfig(kafka.bootstrap, ticks, "w-0", "file:///unused", topics=topics)
    _buried(worker)
    committed(worker, [0])  # waits for the coordinator, which a new broker makes when it is asked
    config = tmp_path / "fleet.toml"
    config.write_text(
        f'bootstrap_servers = "{kafka.bootstrap}"\ngroup_id = "{ticks}"\n'
        f'[topics]\nticks = "{ticks}"\ndead_letters = "{letters}"\n'
    )
    replay = ("replay-dead-letters", "-c", config, "--error-class", _REASON)
    assert run(*replay, "--dry-run").stdout == f"{_REASON}: 3 not sent yet, 1 cut\n"
    first = run(*replay, "--limit", "2")
    assert first.stdout == f"{_REASON}: 2 sent, 1 left, 1 cut\n"
    assert f"{ticks}/0/1 is not sent" in first.stderr
    told = json.loads(run(*replay, "--json").stdout)
    assert told == {"error_class": _REASON, "sent": 1, "unsent": 0, "cut": [], "too_large": []}
    [sent] = read_topic(kafka, ticks, 1, 3).values()
    assert [len(one.value or b"") for one in sent] == [100, 200, 300]
