"""The report as one HTML page that needs nothing besides itself."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from ops.html import line_chart, paragraph, render, section, table
from ops.report.measure import Measured

__all__ = ["render_page"]

_SHOWN_ASSETS: Final = 15
_FLAG_TYPES: Final = 5


def render_page(found: Measured) -> str:
    """The whole page."""
    parts = [
        paragraph(_subtitle(found)),
        section("Skill"),
        table(("all assets", "value"), summary_rows(found)),
        *_charts(found),
        section(
            f"Assets, the worst first ({min(len(found.assets), _SHOWN_ASSETS)} of "
            f"{len(found.assets)})"
        ),
        table(*asset_table(found)),
    ]
    for name, detail in found.details.items():
        cusum = {key: detail.lines[key] for key in ("cusum_drift", "adaptive_threshold")}
        parts += [
            section(name),
            line_chart(
                "CUSUM (largest in a stretch) and its threshold",
                detail.time_ns,
                cusum,
                marks_ns=detail.alarms_ns,
                marks="alarm",
                zero=True,
            ),
            line_chart("Hölder exponent", detail.time_ns, {"H": detail.lines["holder_exponent"]}),
        ]
    return render(f"Backtest of {_source(found)}", parts)


def summary_rows(found: Measured) -> list[tuple[str, str]]:
    """What is said of all assets together."""
    summary, counts = found.summary, found.run["counts"]
    ratios = summary["loss_ratio"]
    low, high = (number(summary[name], 5) for name in ("skill_low", "skill_high"))
    return [
        ("skill against persistence", number(summary["skill"], 5)),
        ("95% interval", f"{low} to {high}"),
        ("Diebold-Mariano (below -1.64: better at 5%)", number(summary["diebold_mariano"], 2)),
        *((f"squared errors over {peer}'s", number(ratio, 4)) for peer, ratio in ratios.items()),
        (
            "assets better than persistence",
            f"{summary['assets_better_than_persistence']:,} of {counts['assets']:,}",
        ),
        ("forecasts judged", f"{summary['judged']:,} of {counts['results']:,}"),
        ("refused records", f"{counts['refused']:,}"),
        ("regime changes", f"{summary['alarms']:,}"),
        *((f"flag {kind}", f"{int(line.sum()):,}") for kind, line in found.flags.items()),
    ]


def asset_table(found: Measured) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of the worst assets."""
    head = ("asset", "judged", "skill", "95% interval", "Diebold-Mariano")
    return head, [
        (
            one["asset_id"],
            f"{one['judged']:,}",
            number(one["skill"], 4),
            f"{number(one['skill_low'], 4)} to {number(one['skill_high'], 4)}",
            number(one["diebold_mariano"], 2),
        )
        for one in found.assets[:_SHOWN_ASSETS]
    ]


def number(value: float | None, digits: int) -> str:
    """A dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def _source(found: Measured) -> Any:
    source = found.run["source"]
    return source.get("path") or source.get("topic") or source.get("name")


def _subtitle(found: Measured) -> str:
    run = found.run
    return (
        f"{run['counts']['results']:,} ticks of {run['counts']['assets']:,} assets, "
        f"{run['decisions'].replace('_', ' ')}, configuration {run['fingerprint']}, {run['dtype']}"
        + "".join(f". Warning: {warning}" for warning in run["warnings"])
    )


def _charts(found: Measured) -> Iterable[str]:
    timeline = found.timeline
    time_ns = timeline.middle_ns
    yield line_chart(
        "Skill against persistence over time", time_ns, {"skill": timeline.skill()}, zero=True
    )
    names = ("A Wiener-Hopf", "B Deep Galerkin", "C jump diffusion", "D signatures")
    weights = dict(zip(names, timeline.mean_weights(), strict=True))
    yield line_chart("Mean weight of each kernel", time_ns, weights, zero=True)
    shares = {"10%": 0.1, "median": 0.5, "90%": 0.9}
    quantiles = timeline.holder_quantiles(tuple(shares.values()))
    yield line_chart(
        "Hölder exponent, quantiles over assets and ticks",
        time_ns,
        dict(zip(shares, quantiles, strict=True)),
    )
    flags = dict(list(found.flags.items())[:_FLAG_TYPES])
    if flags:
        yield line_chart("Flag events, the most frequent types", time_ns, flags, zero=True)
    if np.any(timeline.alarms):
        yield line_chart("Regime changes", time_ns, {"alarms": timeline.alarms}, zero=True)
