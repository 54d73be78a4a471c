"""Where a run's results and flag events go, beside its folder."""

from dataclasses import dataclass, replace

from workers.config import WorkerConfig

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
    part: tells the slices of a run apart.
    """

    config: WorkerConfig
    topic: str
    run_id: str
    same_partition: bool
    flags_topic: str | None = None
    part: str = ""

    @property
    def group(self) -> str:
        """The group whose committed offset is the number of published results."""
        return f"tickfleet-backtest-{self.run_id}{self.part}"

    def describe(self) -> dict[str, str | None]:
        """For `run.json`."""
        return {"topic": self.topic, "flags_topic": self.flags_topic, "run_id": self.run_id}

    def of_part(self, part: str) -> "Publishing":
        """For one slice of the run."""
        return replace(self, part=part)
