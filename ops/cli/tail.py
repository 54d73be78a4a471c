"""`tickfleet tail`: what a fleet publishes now, decoded and filtered."""

from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from core import RESULT_FLAGS, Mode
from ops.cli.options import bootstrap_option, config_option, settings_of
from ops.cli.show import show
from ops.records import RecordReader, Selection, StartAt, follow
from schemas import ErrorClass, FlagState, FlagType, Severity
from workers.brokers.client_config import base_settings
from workers.emission.framing import framing_by_topic

__all__ = ["command"]

_F = TypeVar("_F", bound=Callable[..., Any])
_KINDS: Final = ("predictions", "flags", "dead_letters", "journal", "ticks")
_MODES: Final = [mode.name.capitalize() for mode in Mode]
_ONLY_OF: Final = {
    "flags": ("predictions",),
    "modes": ("predictions",),
    "types": ("flags",),
    "states": ("flags",),
    "severities": ("flags",),
    "errors": ("dead_letters",),
    "assets": ("predictions", "flags", "dead_letters", "ticks"),
}
"""Parameter -> the kinds whose records it can tell apart; of others it would let none through."""


def _choice(option: str, name: str, among: Iterable[str], text: str) -> Callable[[_F], _F]:
    known = click.Choice([str(one) for one in among])
    return click.option(option, name, multiple=True, type=known, help=text)


@click.command("tail")
@click.argument("kind", type=click.Choice(_KINDS), default="predictions")
@config_option
@bootstrap_option
@click.option("--asset", "assets", multiple=True, help="Only this asset. Repeat for more.")
@click.option(
    "--partition",
    "-p",
    "partitions",
    multiple=True,
    type=click.IntRange(min=0),
    help="Only this partition. Repeat for more.",
)
@_choice("--flag", "flags", RESULT_FLAGS, "Results with this flag. Repeat for more.")
@_choice("--mode", "modes", _MODES, "Results of this mode. Repeat for more.")
@_choice("--type", "types", FlagType, "Flag events of this type. Repeat for more.")
@_choice("--state", "states", FlagState, "Flag events of this state. Repeat for more.")
@_choice("--severity", "severities", Severity, "Flag events of this severity. Repeat for more.")
@_choice("--error-class", "errors", ErrorClass, "Dead letters of this class. Repeat for more.")
@click.option("--from-beginning", is_flag=True, help="Everything that is retained, not only news.")
@click.option("--stop-at-end", is_flag=True, help="Stop at the end instead of waiting for more.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many records.")
@click.option("--json", "as_lines", is_flag=True, help="One JSON object a line, all fields.")
@click.pass_context
def command(
    context: click.Context,
    kind: str,
    config: Path | None,
    bootstrap: str | None,
    *,
    assets: tuple[str, ...],
    partitions: tuple[int, ...],
    flags: tuple[str, ...],
    modes: tuple[str, ...],
    types: tuple[str, ...],
    states: tuple[str, ...],
    severities: tuple[str, ...],
    errors: tuple[str, ...],
    from_beginning: bool,
    stop_at_end: bool,
    limit: int | None,
    as_lines: bool,
) -> None:
    """Print committed records of KIND as they come; Ctrl-C ends it."""
    _refuse_what_would_admit_none(context, kind)
    worker = settings_of(config, bootstrap).worker
    topic = str(getattr(worker.topics, kind))
    equal = {
        "mode": modes,
        "type": types,
        "state": states,
        "severity": severities,
        "error_class": errors,
    }
    wanted = Selection(assets, flags, equal)
    reader = RecordReader(framing_by_topic(worker)(topic))
    messages = follow(
        topic,
        options=base_settings(worker),
        start=StartAt.BEGINNING if from_beginning else StartAt.END,
        stop_at_end=stop_at_end,
        only=partitions,
    )
    with closing(messages):
        records = filter(wanted.admits, map(reader.read, messages))
        show(records, limit=limit, as_lines=as_lines)


def _refuse_what_would_admit_none(context: click.Context, kind: str) -> None:
    for option in context.command.params:
        kinds = _ONLY_OF.get(option.name or "", _KINDS)
        if context.params.get(option.name or "") and kind not in kinds:
            raise click.UsageError(f"{option.opts[0]} is for {' or '.join(kinds)}, not for {kind}")
