"""Ctrl-C while a command is at work."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from ops.fleet import ends
from tests.fixtures.kafka import KafkaCluster
from tests.ops.cli.operated import run

_Process = subprocess.Popen[str]


@contextmanager
def _begun(*arguments: str) -> Iterator[_Process]:
    command = [sys.executable, "-m", "ops.cli", *arguments]
    # A shell's background job ignores interrupts, and so would what it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        signal.signal(signal.SIGINT, before)
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.kafka
def test_produce_sends_what_it_has_begun_and_says_how_many(kafka: KafkaCluster) -> None:
    topic = kafka.create_topic("ticks")
    admin = kafka.admin()

    def there() -> int:
        return ends(admin, topic, [0], 10)[0]

    options = ("--synthetic", "1000000", "--rate", "2000", "--bootstrap", kafka.bootstrap)
    with _begun("produce", *options, "--topic", topic) as produce:
        while not there():
            assert produce.poll() is None
            time.sleep(0.05)
        produce.send_signal(signal.SIGINT)
        said, complained = produce.communicate(timeout=30)
    assert (produce.returncode, said) == (130, "")
    [sent] = re.findall(r"^interrupted: ([\d,]+) of 1,000,000 ticks were sent", complained)
    assert int(sent.replace(",", "")) == there()


def test_top_ends_well_also_before_its_first_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("ops.cli.top.FleetObserver", interrupted)
    monkeypatch.setenv("TICKFLEET_SNAPSHOT_URL", tmp_path.as_uri())
    assert run("top", "--bootstrap", "127.0.0.1:1").output == ""
