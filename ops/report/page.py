"""The report as one HTML page that needs nothing besides itself."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

import numpy as np

from ops.report.chart import line_chart
from ops.report.measure import Measured

__all__ = ["render_page"]

_STYLE: Final = """
:root{color-scheme:light dark;--paper:#fcfcfb;--ink:#1a1a19;--soft:#5c5b57;--rule:#e3e2de;
--c0:#2a6fc9;--c1:#c2571a;--c2:#14806a;--c3:#7748c4;--c4:#8a6d00;--mark:#c9302c}
@media(prefers-color-scheme:dark){:root{--paper:#1a1a19;--ink:#f2f1ed;--soft:#b0aea6;--rule:#3a3936;
--c0:#6aa5ee;--c1:#ec8a52;--c2:#3fbf9f;--c3:#ab8af0;--c4:#d3b13a;--mark:#f0716d}}
body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:2rem auto;
max-width:820px;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
figure{margin:1.5rem 0}figcaption{font-weight:600}figure p{margin:.2rem 0;color:var(--soft)}
svg{width:100%;height:auto;overflow:visible}svg text{fill:var(--soft);font-size:11px}
.grid{stroke:var(--rule);fill:none}.line{fill:none;stroke-width:1.8;stroke-linejoin:round}
.mark{stroke:var(--mark);stroke-dasharray:2 3;fill:none}
.line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}
.line.c3{stroke:var(--c3)}.line.c4{stroke:var(--c4)}
.key{margin-right:1rem;white-space:nowrap}
.key::before{content:"";display:inline-block;width:1.1em;height:3px;margin-right:.4em;
vertical-align:middle;background:currentcolor}
.key.c0::before{background:var(--c0)}.key.c1::before{background:var(--c1)}
.key.c2::before{background:var(--c2)}.key.c3::before{background:var(--c3)}
.key.c4::before{background:var(--c4)}.key.mark::before{background:var(--mark)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.25rem .5rem;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}
"""
_SHOWN_ASSETS: Final = 15
_FLAG_TYPES: Final = 5


def render_page(found: Measured) -> str:
    """The whole page."""
    parts = [
        f"<h1>Backtest of {escape(str(_source(found)))}</h1>",
        f"<p>{escape(_subtitle(found))}</p>",
        "<h2>Skill</h2>",
        _table(("all assets", "value"), summary_rows(found)),
        *_charts(found),
        f"<h2>Assets, the worst first ({min(len(found.assets), _SHOWN_ASSETS)} of "
        f"{len(found.assets)})</h2>",
        _table(*asset_table(found)),
    ]
    for name, detail in found.details.items():
        cusum = {key: detail.lines[key] for key in ("cusum_drift", "adaptive_threshold")}
        parts += [
            f"<h2>{escape(name)}</h2>",
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
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Backtest</title><style>{_STYLE}</style></head><body>{''.join(parts)}"
        "</body></html>"
    )


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


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
