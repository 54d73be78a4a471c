"""Options that say how a file holds ticks, the same for every command that reads one.

Reading files needs an extra, so nothing of `workers.replay` is imported before one is read.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click

from ops.cli.pairs import Pairs

if TYPE_CHECKING:
    from workers.replay import Layout

__all__ = ["MakeLayout", "layout_options", "tick_file"]

MakeLayout: TypeAlias = "Callable[..., Layout]"

_F = TypeVar("_F", bound=Callable[..., Any])

tick_file = click.Path(path_type=Path, exists=True, dir_okay=False)

_OPTIONS = (
    click.option(
        "--column",
        "columns",
        multiple=True,
        type=Pairs(),
        help="File: OURS=THEIRS, of asset_id, price, bid, ask, target, timestamp_ns.",
    ),
    click.option("--asset", help="File: all rows are of this asset."),
    click.option("--mid", is_flag=True, help="File: the price is the middle of bid and ask."),
    click.option(
        "--bad-quotes",
        type=click.Choice(["refuse", "drop"]),
        default="refuse",
        show_default=True,
        help="File: what to do with crossed or empty quotes.",
    ),
    click.option(
        "--time-unit",
        type=click.Choice(["ns", "us", "ms", "s"]),
        default="ns",
        show_default=True,
        help="File: of timestamps that are numbers.",
    ),
    click.option(
        "--time-zone", default="UTC", show_default=True, help="File: of times that name none."
    ),
)


def layout_options(command: _F) -> _F:
    """Add the options; the command gets `layout`, which makes a `Layout` of them and of the
    arguments that it is called with.
    """

    @functools.wraps(command)
    def with_layout(*args: Any, **given: Any) -> Any:
        names = ("columns", "asset", "mid", "bad_quotes", "time_unit", "time_zone")
        chosen = {name: given.pop(name) for name in names}
        return command(*args, layout=functools.partial(_layout, chosen), **given)

    wrapped: Any = with_layout
    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def _layout(chosen: dict[str, Any], **more: Any) -> "Layout":
    from workers.replay import BadQuotes, Layout, TimeUnit  # noqa: PLC0415  (needs an extra)

    return Layout(
        columns=dict(chosen["columns"]),
        asset=chosen["asset"],
        mid=chosen["mid"],
        bad_quotes=BadQuotes(chosen["bad_quotes"]),
        time_unit=TimeUnit(chosen["time_unit"]),
        time_zone=chosen["time_zone"],
        **more,
    )
