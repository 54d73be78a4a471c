"""What the checks look at: the configuration and the clients made from it."""

from dataclasses import dataclass, field

from confluent_kafka.admin import AdminClient

from ops.topics import TopicInfo
from snapshots import ObjectStore
from workers.brokers.reasons import Reasons
from workers.config import WorkerConfig

__all__ = ["Site"]


@dataclass(slots=True)
class Site:
    """Filled in as the examination goes on: a later check relies on what an earlier one found.

    Attributes:
        config: the worker's configuration.
        admin: a client of the cluster.
        reasons: why it gets no answer.
        topics: the fleet's topics that exist; None before the brokers have answered.
        brokers: how many there are; 0 before they have answered.
        store: the snapshot store; None before it has proved to work.
    """

    config: WorkerConfig
    admin: AdminClient
    reasons: Reasons = field(default_factory=Reasons)
    topics: dict[str, TopicInfo] | None = None
    brokers: int = 0
    store: ObjectStore | None = field(default=None, repr=False)

    @property
    def partitions(self) -> range:
        """Of the ticks topic; empty while it is not known."""
        ticks = (self.topics or {}).get(self.config.topics.ticks)
        return range(ticks.partitions if ticks else 0)

    @property
    def laid_out(self) -> bool:
        """Whether all five topics exist."""
        return len(self.topics or {}) == len(self.config.topics.all())
