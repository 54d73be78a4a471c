"""A picture as tables for a terminal."""

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ops.terminal import printable
from ops.top.picture import FleetPicture, PartitionPicture

__all__ = ["render"]

_SLOW_RECORDS: Final = 10_000
_OLD_S: Final = 60.0


def render(picture: FleetPicture, trouble: str = "") -> RenderableType:
    """Head line, a row for each partition, the flags, warnings; why it is an old picture, if so."""
    return Group(
        _head(picture),
        _partitions(picture),
        _flags(picture),
        *(Text(printable(warning), "yellow") for warning in picture.warnings),
        Text(printable(trouble), "red"),
    )


def _head(picture: FleetPicture) -> Text:
    state = picture.state.lower()
    line = Text(f"{picture.group}  ", "bold")
    line.append(state, "green" if state == "stable" else "yellow")
    return line.append(
        f"   {len(picture.members)} workers   {picture.ticks_per_s:,.0f} ticks/s   "
        f"lag {picture.lag_records:,}"
    )


def _partitions(picture: FleetPicture) -> Table:
    table = Table(box=None)
    for name in ("partition", "worker", "answered to", "ticks/s", "lag", "snapshot", "unsaved"):
        table.add_column(name, justify="left" if name == "worker" else "right")
    for one in picture.partitions:
        table.add_row(
            str(one.partition),
            Text(printable(one.worker)) if one.worker else Text("nobody", "red"),
            f"{one.answered_to:,}" if one.answered_to >= 0 else "-",
            f"{one.ticks_per_s:,.0f}",
            Text(f"{one.lag_records:,}", "red" if one.lag_records > _SLOW_RECORDS else ""),
            _age(one),
            f"{one.unsaved_records:,}",
        )
    return table


def _age(one: PartitionPicture) -> Text:
    if one.snapshot_age_s is None:
        return Text("none", "dim")
    # An old snapshot matters only where there is something it lacks.
    old = one.snapshot_age_s > _OLD_S and one.unsaved_records > 0
    return Text(f"{one.snapshot_age_s:.0f} s", "yellow" if old else "")


def _flags(picture: FleetPicture) -> Text:
    if not picture.flags:
        return Text("no flags since this began to look", "dim")
    counts = sorted(picture.flags.items(), key=lambda pair: -pair[1])
    return Text(
        "flags  " + "  ".join(f"{printable(name)} {count:,}" for name, count in counts), "yellow"
    )
