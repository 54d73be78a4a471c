"""Options that say how a file holds ticks, the same for every command that reads one.

Reading files needs an extra, so nothing of `workers.replay` is imported before one is read.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import click
from click.core import ParameterSource

from ops.cli.pairs import Pairs

if TYPE_CHECKING:
    from workers.replay import Layout

__all__ = ["MakeLayout", "history_options", "layout_options", "tick_file"]

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
_HISTORY_OPTIONS = (
    click.option("--unsorted", is_flag=True, help="File: the rows stand as they arrived."),
    click.option(
        "--repeats",
        type=click.Choice(["refuse", "drop", "keep"]),
        help="File: what to do with rows that are there twice.  [default: refuse; with --unsorted: "
        "keep]",
    ),
)
_NAMES = ["columns", "asset", "mid", "bad_quotes", "time_unit", "time_zone", "unsorted", "repeats"]


def layout_options(command: _F) -> _F:
    """Add the options; the command gets `layout`, which makes a `Layout` of them and of the
    arguments that it is called with.
    """
    return _with_layout(command, _OPTIONS)


def history_options(command: _F) -> _F:
    """`layout_options`, and those that say what is allowed of a history's rows."""
    return _with_layout(command, (*_OPTIONS, *_HISTORY_OPTIONS))


def _with_layout(command: _F, options: tuple[Callable[[Any], Any], ...]) -> _F:
    @functools.wraps(command)
    def with_layout(*args: Any, **given: Any) -> Any:
        chosen = {name: given.pop(name) for name in _NAMES if name in given}
        if given["path"] is None:
            _refuse_without_file(chosen)
        return command(*args, layout=functools.partial(_layout, chosen), **given)

    wrapped: Any = with_layout
    for option in reversed(options):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


def _refuse_without_file(chosen: dict[str, Any]) -> None:
    context = click.get_current_context()
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in chosen and source is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option.opts[0]} says how a file is read: it needs --file")


def _layout(chosen: dict[str, Any], **more: Any) -> "Layout":
    from workers.replay import Layout  # noqa: PLC0415  (an extra)

    return Layout(**{**chosen, "columns": dict(chosen["columns"]), **more})
