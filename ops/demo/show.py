"""What the demonstration prints: a live panel on a terminal, a line a second elsewhere."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ops.demo.subscriber import Seen
from ops.demo.summary import DemoSummary
from schemas import FlagEventCodec, ResultCodec, SingleObjectFraming

__all__ = ["Show"]

_LINE_EVERY_S = 2.0
_LATEST = 5


class Show:
    """Prints progress and the table at the end.

    Args:
        console: where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        framing = SingleObjectFraming()
        self._results = ResultCodec(framing)
        self._flags = FlagEventCodec(framing)
        self._fed = 0
        self._line_s = 0.0
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Show":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """One event, on a line of its own."""
        self._console.print(f"[bold]{time.strftime('%H:%M:%S')}[/] {text}", highlight=False)

    def fed(self, ticks: int) -> None:
        """So many more ticks went in."""
        self._fed += ticks

    def update(self, results: Sequence[Seen], flags: Sequence[Seen]) -> None:
        """Show where things stand."""
        if self._console.is_terminal:
            self._live.update(self._panel(results, flags))
        elif time.monotonic() - self._line_s >= _LINE_EVERY_S:
            self._line_s = time.monotonic()
            self.say(f"ticks {self._fed:,}  results {len(results):,}  flags {len(flags):,}")
            for row in self._latest(results[-1:]):
                self.say("  " + "  ".join(row))

    def conclude(self, summary: DemoSummary) -> None:
        """The table at the end."""
        report = summary.report
        p50_ms, p99_ms = summary.latency_ms
        table = Table(title="What happened", show_header=False)
        recovery = ", ".join(f"{seconds:.1f} s" for seconds in summary.recovery_s) or "none needed"
        rows: Sequence[tuple[str, object]] = (
            ("ticks in", f"{report.ticks:,}"),
            ("results out", f"{report.results:,}"),
            ("missing", report.missing),
            ("repeated", report.repeated),
            ("unexpected", report.unexpected),
            ("out of order", report.out_of_order),
            ("workers killed with -9", summary.kills),
            ("kill to results on every partition", recovery),
            ("latency p50 / p99, outside recoveries", f"{p50_ms:.0f} / {p99_ms:.0f} ms"),
            ("ticks per second", f"{summary.ticks_per_s:,.0f}"),
            *((f"flag: {name}", count) for name, count in sorted(summary.flags.items())),
        )
        for name, value in rows:
            table.add_row(name, str(value))
        self._console.print(table)
        verdict = "[green]exactly once, in order" if report.holds else "[red]the promise was broken"
        self._console.print(verdict)

    def _panel(self, results: Sequence[Seen], flags: Sequence[Seen]) -> Table:
        title = f"ticks {self._fed:,}   results {len(results):,}   flag events {len(flags):,}"
        table = Table("asset", "price", "forecast", "H", "weights A B C D", "mode", title=title)
        for row in self._latest(results[-_LATEST:]):
            table.add_row(*row)
        for seen in flags[-3:]:
            event = self._flags.decode(seen.value)
            table.add_row(event.asset_id, f"[yellow]{event.type.value} {event.state.value}")
        return table

    def _latest(self, results: Sequence[Seen]) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = []
        for result in (self._results.decode(seen.value) for seen in results):
            weights = " ".join(f"{weight:.2f}" for weight in result["weights"])
            rows.append(
                (
                    str(result["asset_id"]),
                    f"{result['location']:.2f}",
                    f"{result['predicted_price']:.2f}",
                    f"{result['holder_exponent']:.2f}",
                    weights,
                    str(result["mode"]),
                )
            )
        return rows
