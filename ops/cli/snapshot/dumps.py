"""`dumps`: what workers kept of the moment an asset went into emergency."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.cli.snapshot.choose import Place, json_option, place_options
from ops.strict_json import strict_json
from ops.terminal import printable
from snapshots.envelope import unseal

__all__ = ["dumps"]


@click.command("dumps")
@click.option("--asset", help="Only of this asset.")
@json_option
@place_options
def dumps(place: Place, *, asset: str | None, as_lines: bool) -> None:
    """Show the dumps that workers wrote when an asset went into emergency, oldest first.

    `--json` has all of it: the window of prices, CUSUM's values, weights and flags.
    """
    table = Table("partition", "offset", "asset", "Hölder", "kurtosis", "last prices", box=None)
    for dump in _of(place, asset):
        if as_lines:
            click.echo(strict_json(dump))
        else:
            table.add_row(*(Text(printable(cell)) for cell in _cells(dump)))
    if not as_lines:
        Console().print(table)


def _of(place: Place, asset: str | None) -> Iterator[dict[str, Any]]:
    for partition in place.partitions:
        for key in place.store.list(place.scope(partition).dump_prefix):
            dump = unseal(place.store.get(key))
            if asset in (None, dump.get("asset_id")):
                yield dump


def _cells(dump: dict[str, Any]) -> Iterator[str]:
    yield from (str(dump[name]) for name in ("source_partition", "source_offset", "asset_id"))
    yield f"{dump['holder_exponent']:.3f}"
    yield f"{dump['telemetry_snapshot']['kurtosis']:.2f}"
    prices = cast("Sequence[float]", dump["signal_buffer"])
    yield " ".join(f"{price:g}" for price in prices[-4:])
