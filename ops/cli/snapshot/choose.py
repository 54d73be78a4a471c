"""Which snapshots a command is about: settings, partitions, and the one that REF names."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import click

from core.errors import FatalError
from ops.cli.options import bootstrap_option, config_option
from ops.fleet import stored_partitions
from ops.settings import load_settings
from snapshots import ManifestRef, ObjectStore, SnapshotScope, list_snapshots, open_existing
from workers.brokers.client_trial import check_kafka_options
from workers.config import WorkerConfig

__all__ = [
    "DamagedSnapshotError",
    "NoSuchSnapshotError",
    "Place",
    "brokers_place_options",
    "json_option",
    "place_options",
]

NEWEST: Final = "newest"
json_option = click.option("--json", "as_lines", is_flag=True, help="JSON, one object a line.")


class NoSuchSnapshotError(FatalError):
    """The store holds no snapshot of this name."""


class DamagedSnapshotError(FatalError):
    """The snapshot of this name cannot be used."""

    def __init__(self, partition: int, ref: ManifestRef, why: FatalError) -> None:
        super().__init__(
            f"partition {partition}: snapshot {ref.name} is damaged ({why}); `tickfleet snapshot "
            f"verify -p {partition}` tells which are sound"
        )


@dataclass(frozen=True, slots=True)
class Place:
    """The group whose snapshots are meant, its store, and the partitions chosen."""

    config: WorkerConfig
    store: ObjectStore
    chosen: tuple[int, ...]

    @property
    def partitions(self) -> list[int]:
        """The chosen ones, or all of which the store holds anything.

        Raises:
            NoSuchSnapshotError: it holds nothing of a chosen one, or nothing at all.
        """
        config = self.config
        whose = f"group {config.group_id} and topic {config.topics.ticks}"
        for partition in self.chosen:
            if not self.store.list(self.scope(partition).prefix):
                raise NoSuchSnapshotError(
                    f"the store holds nothing of partition {partition} of {whose}"
                )
        found = self.chosen or stored_partitions(self.store, config.group_id, config.topics.ticks)
        if not found:
            raise NoSuchSnapshotError(
                f"the store holds nothing of {whose}: check their names and snapshot_url"
            )
        return list(found)

    def scope(self, partition: int) -> SnapshotScope:
        """Where a partition's snapshots are."""
        return SnapshotScope(self.config.group_id, self.config.topics.ticks, partition)

    def find(self, partition: int, name: str) -> ManifestRef:
        """The snapshot that REF names.

        Raises:
            NoSuchSnapshotError: none has this name, or several have.
        """
        known = list_snapshots(self.store, self.scope(partition))
        if name == NEWEST:
            found = known[:1]
        else:
            found = [ref for ref in known if str(ref.offset) == name]
            found = found or [ref for ref in known if ref.digest.startswith(name)]
        if len(found) != 1:
            problem = f"{len(found)} snapshots are called" if found else "no snapshot is called"
            raise NoSuchSnapshotError(
                f"partition {partition}: {problem} {name}; `tickfleet snapshot ls` lists them"
            )
        return found[0]


def place_options(
    function: Callable[..., Any], *, check: Callable[[WorkerConfig], None] = lambda _: None
) -> Callable[..., Any]:
    """`--config`, `--bootstrap`, `--group`, `--partition`: handed on as one `place`.

    Args:
        function: the command.
        check: what the settings are put to, for a command that asks the brokers.
    """

    @config_option
    @bootstrap_option
    @click.option("--group", help="Another group than the settings'.")
    @click.option(
        "--partition",
        "-p",
        "partitions",
        multiple=True,
        type=click.IntRange(min=0),
        help="Only this partition. Repeat for more.",
    )
    @click.pass_context
    @functools.wraps(function)
    def with_place(
        context: click.Context,
        /,
        config: Path | None,
        bootstrap: str | None,
        *,
        group: str | None,
        partitions: tuple[int, ...],
        **rest: Any,
    ) -> Any:
        worker = _worker(config, bootstrap, group, check)
        store = open_existing(worker.snapshot_url, worker.store_options)
        return context.invoke(function, Place(worker, store, partitions), **rest)

    return with_place


brokers_place_options: Final = functools.partial(place_options, check=check_kafka_options)
"""The same for a command that asks the brokers."""


def _worker(
    config: Path | None,
    bootstrap: str | None,
    group: str | None,
    check: Callable[[WorkerConfig], None],
) -> WorkerConfig:
    # A store can be looked at without brokers: only the commands that need them fail then.
    settings = load_settings(
        config,
        defaults={"bootstrap_servers": "localhost:9092", "kafka": {"log_level": "2"}},
        overrides={"bootstrap_servers": bootstrap} if bootstrap else {},
        check=check,
    )
    return replace(settings.worker, group_id=group) if group else settings.worker
