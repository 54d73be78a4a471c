"""Each command of an operator does its work with the rights that docs/security.md gives it.

Who lacks one is told which, and who is not let in at all is told why.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from confluent_kafka import Producer

from core import AVAILABLE_KERNELS, PredictorConfig
from ops.ticks import send_ticks, synthetic_ticks, unpaced
from ops.topics import create_topics
from schemas import (
    DeadLetter,
    DeadLetterCodec,
    JournalCodec,
    JournalRecord,
    SingleObjectFraming,
    TickCodec,
)
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.kafka.secure_broker import SecureBroker, secure_broker
from tests.ops.cli.operated import run
from workers import WorkerConfig

pytestmark = pytest.mark.kafka

PAGE: Final = Path(__file__).parents[2] / "docs" / "security.md"
PASSWORD: Final = "not-in-any-log"
_ROW: Final = re.compile(r"^\| ([^|]*?) ?\| (\w+) \| ([^|]+) \| (\w+) \| ([A-Z_, ]+) \|$", re.M)
LETTER: Final = DeadLetter("ticks", 0, 3, b"A", b"?", (), "UnknownSchema", "not known")
_NAMES: Final = {
    "all five": ("ticks", "predictions", "flags", "dead-letters", "journal"),
    "predictions, or the one that is read": ("ticks",),
    "the one named": ("results",),
    "the other one named": ("events",),
}


def _rights(command: str) -> list[tuple[str, str, str, str]]:
    """Those of a command's row and of the rows below it that have no command of their own."""
    rights, within = [], False
    for commands, resource, name, pattern, operations in _ROW.findall(PAGE.read_text()):
        within = f"`{command}`" in commands or (within and not commands)
        for one in _NAMES.get(name, (name.replace("GROUP", "fleet"),)) if within else ():
            rights += [(resource, one, pattern, each) for each in operations.split(", ")]
    assert rights, f"no row for {command}"
    return rights


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """With a few ticks, and a dead letter that waits to be sent again."""
    with secure_broker(tmp_path_factory.mktemp("secure")) as found:
        create_topics(WorkerConfig(found.bootstrap, "fleet", "w", "file:///unused"), partitions=1)
        for name in ("results", "events"):
            KafkaCluster(found.bootstrap).create_topic(name=name)
        options, framing = {"bootstrap.servers": found.bootstrap}, SingleObjectFraming()
        table = synthetic_ticks(20, assets=2, seed=0, start_ns=0, interval_ns=10**9)
        codec = TickCodec(framing)
        send_ticks(table, unpaced(table), topic="ticks", codec=codec, producer_options=options)
        producer = Producer(options)
        producer.produce("dead-letters", DeadLetterCodec(framing).encode(LETTER))
        assert producer.flush(10) == 0
        yield found


@pytest.fixture
def settings(
    broker: SecureBroker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Of a user of this test's own, who may do nothing yet."""
    user = unique_name("user")
    broker.add_user(user, PASSWORD)
    monkeypatch.setenv("TICKFLEET_KAFKA__SASL__PASSWORD", PASSWORD)
    path = tmp_path / f"{user}.toml"
    path.write_text(
        f'bootstrap_servers = "{broker.secure_bootstrap}"\ngroup_id = "fleet"\n'
        f'snapshot_url = "file://{tmp_path}/snapshots"\nclient_timeout_s = 3.0\n'
        '[kafka]\n"security.protocol" = "SASL_SSL"\n"sasl.mechanism" = "SCRAM-SHA-512"\n'
        f'"sasl.username" = "{user}"\n"ssl.ca.location" = "{broker.ca}"\nlog_level = "0"\n'
    )
    return path


@pytest.mark.parametrize(
    ("rows", "lacking", "command"),
    [
        (["produce"], "WRITE, DESCRIBE on ticks", "produce --synthetic 10 --assets 2"),
        (["consume"], "READ, DESCRIBE on ticks", "consume --topic ticks --stop-at-end"),
        (["tail"], "READ, DESCRIBE on ticks", "tail ticks --from-beginning --stop-at-end"),
        (["export"], "READ, DESCRIBE on ticks", "export --file OUT.parquet"),
        (
            ["backtest --topic", "--to-topic", "--flags-to-topic"],
            "READ, DESCRIBE on ticks",
            "backtest --topic ticks --to-topic results --flags-to-topic events --out OUT",
        ),
        (
            ["replay-dead-letters"],
            "READ, DESCRIBE on dead-letters",
            "replay-dead-letters --error-class UnknownSchema",
        ),
        (["top"], "missing topics: .* lacks DESCRIBE", "top --once --json"),
    ],
)
def test_what_is_lacking_is_named_and_what_is_documented_suffices(
    broker: SecureBroker, settings: Path, rows: list[str], lacking: str, command: str
) -> None:
    name, *options = command.replace("OUT", str(settings.with_name("out"))).split()
    whole: tuple[str | Path, ...] = (name, "-c", settings, *options)
    assert re.search(lacking, run(*whole, code=2).stderr)
    broker.grant(settings.stem, [right for row in rows for right in _rights(row)])
    assert PASSWORD not in run(*whole).output


def test_as_recorded_says_which_topic_it_may_not_read(broker: SecureBroker, settings: Path) -> None:
    fingerprint = PredictorConfig().fingerprint()
    answered = JournalRecord(0, 19, 1, 3, int(AVAILABLE_KERNELS), fingerprint, "w-0")
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce("journal", JournalCodec(SingleObjectFraming()).encode(answered))
    assert producer.flush(10) == 0
    user, out = settings.stem, settings.with_name("out")
    whole = ("backtest", "-c", settings, "--topic", "ticks", "--as-recorded", "--out", out)
    assert "lacks READ, DESCRIBE on ticks" in run(*whole, code=2).stderr
    broker.grant(user, _rights("backtest --topic"))
    assert "lacks READ, DESCRIBE on journal" in run(*whole, code=2).stderr
    besides = _rights("--as-recorded")
    broker.grant(user, [right for right in besides if right[-1] == "DESCRIBE"])
    assert "lacks READ on journal" in run(*whole, code=1).stderr
    broker.grant(user, besides)
    assert "20 results" in run(*whole).output


@pytest.mark.parametrize("command", [("topics", "ls"), ("doctor",)])
def test_a_password_that_was_changed_is_what_is_said(
    settings: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKFLEET_KAFKA__SASL__PASSWORD", "another")
    said = run(*command, "-c", settings, code=1).output
    assert "SASL authentication error: Authentication failed" in said


def test_a_certificate_that_is_not_trusted_is_what_is_said(settings: Path) -> None:
    settings.write_text(re.sub(r'"ssl.ca.location" = .*', "", settings.read_text()))
    assert "certificate verify failed" in run("topics", "ls", "-c", settings, code=1).output
