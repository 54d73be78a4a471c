"""docs/scaling.md's tables."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from benchmarks.scaling.figures import SOURCES, Figures
from benchmarks.scaling.plan import Load, Plan, plan
from benchmarks.scaling.simulate import kill_workers, rolling_restart_s

__all__ = ["PAGE", "render"]

PAGE: Final = Path(__file__).parents[2] / "docs" / "scaling.md"
_MARKED: Final = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_LOADS: Final = (
    Load(1_000, 1_000.0),
    Load(10_000, 20_000.0),
    Load(100_000, 200_000.0),
    Load(1_000_000, 1_000_000.0),
)
_INTERVALS_S: Final = (10.0, 60.0, 300.0)
_TRIALS: Final = 200


def render(page: str, measured: Figures) -> str:
    """The page with every marked table written anew."""
    tables: dict[str, Callable[[Figures], Iterator[str]]] = {
        "figures": _figures,
        "needs": _needs,
        "intervals": _intervals,
        "outages": _outages,
    }
    return _MARKED.sub(
        lambda mark: mark[1] + "\n" + "\n".join(tables[mark[2]](measured)) + "\n\n" + mark[3], page
    )


def _figures(measured: Figures) -> Iterator[str]:
    yield "| figure | value | from |"
    yield "|---|---|---|"
    for one in fields(Figures):
        value = f"{getattr(measured, one.name):,.2f}".rstrip("0").rstrip(".")
        yield f"| `{one.name}` | {value} | `python -m {SOURCES[one.name]}` |"


def _needs(measured: Figures) -> Iterator[str]:
    plans = [plan(load, measured) for load in _LOADS]
    yield (
        "| | "
        + " | ".join(f"{load.assets:,} assets, {load.ticks_per_s:,.0f} ticks/s" for load in _LOADS)
        + " |"
    )
    yield "|---" * (len(_LOADS) + 1) + "|"
    rows: tuple[tuple[str, Callable[[Plan], str]], ...] = (
        ("workers (cores)", lambda one: f"{one.workers:,}"),
        ("partitions", lambda one: f"{one.partitions:,}"),
        ("memory of a worker's assets", lambda one: _bytes(one.memory_bytes)),
        ("transactions a second", lambda one: f"{one.transactions_per_s:,.0f}"),
        ("Kafka in, uncompressed", lambda one: _bytes(one.bytes_in_per_s) + "/s"),
        ("Kafka out, uncompressed, 3 replicas", lambda one: _bytes(one.bytes_out_per_s) + "/s"),
        ("of it the journal", lambda one: _bytes(3 * one.journal_bytes_per_s) + "/s"),
        ("store: PUTs a second", lambda one: f"{one.puts_per_s:,.0f}"),
        ("store: upload", lambda one: _bytes(one.store_bytes_per_s) + "/s"),
        ("killed and back at once: silent for", lambda one: f"{one.restart_s:.1f} s"),
        ("killed and gone: silent for", lambda one: f"{one.takeover_s:.1f} s"),
    )
    for name, value in rows:
        yield f"| {name} | " + " | ".join(value(one) for one in plans) + " |"


def _intervals(measured: Figures) -> Iterator[str]:
    yield (
        "| `snapshot_interval_s` | PUTs a second | USD a month for PUTs | "
        "killed and gone: silent for |"
    )
    yield "|---|---|---|---|"
    for interval_s in _INTERVALS_S:
        one = plan(replace(_LOADS[-1], snapshot_interval_s=interval_s), measured)
        yield (
            f"| {interval_s:g} | {one.puts_per_s:,.0f} | {one.usd_per_month:,.0f} | "
            f"{one.takeover_s:.1f} s |"
        )


def _outages(measured: Figures) -> Iterator[str]:
    load = _hundred_workers(measured)
    yield "| what happens | partitions that move | silent, median | p99 | longest |"
    yield "|---|---|---|---|---|"
    for killed in (1, 10, 33):
        out = kill_workers(load, measured, killed=killed, trials=_TRIALS, seed=1)
        yield (
            f"| {killed} of 100 killed and gone | {out.moved_share:.0%} | {out.quantile(0.5):.1f} s"
            f" | {out.quantile(0.99):.1f} s | {out.quantile(1.0):.1f} s |"
        )
    whole_s, silent_s = rolling_restart_s(load, measured)
    yield (
        f"| rolling restart, {whole_s / 60:.0f} min in all | none | {silent_s:.1f} s | "
        f"{silent_s:.1f} s | {silent_s:.1f} s |"
    )


def _hundred_workers(measured: Figures) -> Load:
    ticks_per_s = 100 * 0.6 / (measured.cpu_us_a_tick * 1e-6)
    # A little less than what would need the next worker.
    return Load(assets=1_000_000, ticks_per_s=ticks_per_s * 0.9999)


def _bytes(count: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,.0f} B"
