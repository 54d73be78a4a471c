"""Faults of the brokers, and of the way to them."""

from dataclasses import dataclass
from typing import Final

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.chaos.stage import Stage

__all__ = [
    "BounceBroker",
    "HoldCommitReplies",
    "LoseCommitReplies",
    "PauseBroker",
    "RefuseWrites",
]

_AMPLE_BYTES: Final = 4_000_000
_MARKER_BYTES: Final = 78


@dataclass(frozen=True)
class BounceBroker:
    """Stopped, in order or by SIGKILL, and started again on its port and data."""

    at_s: float
    broker: int = 1
    away_s: float = 1.0
    hard: bool = True

    def strike(self, stage: Stage) -> None:
        stage.await_timers()  # a broker that is coming back is left alone until it is there
        broker = stage.brokers[self.broker]
        stage.note(f"broker {self.broker} {'killed' if self.hard else 'stopped'}")
        (broker.kill if self.hard else broker.stop)()
        stage.later(self.away_s, broker.start)


@dataclass(frozen=True)
class PauseBroker:
    """SIGSTOP: connections stay open and nothing answers."""

    at_s: float
    away_s: float
    broker: int = 1

    def strike(self, stage: Stage) -> None:
        stage.note(f"broker {self.broker} stands still for {self.away_s} s")
        stage.brokers[self.broker].pause()
        stage.later(self.away_s, stage.brokers[self.broker].resume)


@dataclass(frozen=True)
class LoseCommitReplies:
    """The broker ends the transaction, and the answer is lost on the way."""

    at_s: float
    count: int

    def strike(self, stage: Stage) -> None:
        assert stage.proxy is not None
        stage.note(f"{self.count} answers to EndTxn will be lost")
        stage.proxy.lose(self.count)


@dataclass(frozen=True)
class HoldCommitReplies:
    """Every answer to EndTxn comes late: whatever else happens, happens during a commit."""

    at_s: float
    away_s: float
    late_s: float

    def strike(self, stage: Stage) -> None:
        assert stage.proxy is not None
        stage.note(f"answers to EndTxn come {self.late_s} s late for {self.away_s} s")
        stage.proxy.late_s = self.late_s
        stage.later(self.away_s, lambda: setattr(stage.proxy, "late_s", 0.0))


@dataclass(frozen=True)
class RefuseWrites:
    """A topic takes no writes: the largest batch it allows is smaller than any of records.

    A transaction's marker has 78 bytes and must pass: one that is refused leaves the broker's
    coordinator with a transaction that never ends.

    Attributes:
        topic: which one, by its name in `Topics`.
    """

    at_s: float
    away_s: float
    topic: str

    def strike(self, stage: Stage) -> None:
        stage.note(f"{self.topic} takes no writes for {self.away_s} s")
        _limit(stage, self.topic, _MARKER_BYTES)
        stage.later(self.away_s, lambda: _limit(stage, self.topic, _AMPLE_BYTES))


def _limit(stage: Stage, topic: str, max_bytes: int) -> None:
    entry = ConfigEntry(
        "max.message.bytes", str(max_bytes), incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource(
        ResourceType.TOPIC, stage.fleet.topics[topic], incremental_configs=[entry]
    )
    admin = stage.kafka.admin()
    admin.incremental_alter_configs([resource])[resource].result(30)
