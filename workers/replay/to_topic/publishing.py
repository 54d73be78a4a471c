"""Where a run's results and flag events go, beside its folder."""

from dataclasses import dataclass, replace

from workers.config import WorkerConfig
from workers.replay.errors import ReplayError

__all__ = ["Publishing"]


@dataclass(frozen=True, slots=True)
class Publishing:
    """Attributes:
    config: where the brokers are, which framing.
    topic: where the results go.
    run_id: a header of every result and every flag event.
    same_partition: whether a result goes to the partition number of its tick; else its key
        decides, as a producer of ticks has it.
    flags_topic: where the flag events go, by asset; None: nowhere.
    part: which slice of the run; empty: the whole.

    Raises:
        ReplayError: the run id has a slash: behind one stands which slice of a run a group is of.
    """

    config: WorkerConfig
    topic: str
    run_id: str
    same_partition: bool
    flags_topic: str | None = None
    part: str = ""

    def __post_init__(self) -> None:
        if "/" in self.run_id:
            raise ReplayError(f"the run id {self.run_id} has a slash: choose one without")

    @property
    def group(self) -> str:
        """The group whose committed offset is the number of published results."""
        of_slice = f"/{self.part}" if self.part else ""
        return f"tickfleet-backtest-{self.run_id}{of_slice}"

    def describe(self) -> dict[str, str | None]:
        """For `run.json`."""
        return {"topic": self.topic, "flags_topic": self.flags_topic, "run_id": self.run_id}

    def of_part(self, part: str) -> "Publishing":
        """For one slice of the run."""
        return replace(self, part=part)
