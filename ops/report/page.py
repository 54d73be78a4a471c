"""The report as one HTML page that needs nothing besides itself."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from ops.html import (
    Dot,
    DotRow,
    bar_chart,
    dot_chart,
    heat_strip,
    line_chart,
    paragraph,
    render,
    section,
    table,
)
from ops.report.calibration import SCALES
from ops.report.detail import AssetDetail
from ops.report.lead import lead
from ops.report.measure import Measured
from ops.report.tables import (
    SHOWN_ASSETS,
    asset_table,
    coverage_table,
    peer_table,
    summary_rows,
)
from workers.scoring import ENOUGH

__all__ = ["render_page"]

_KERNELS: Final = ("A Wiener-Hopf", "B Deep Galerkin", "C jump diffusion", "D signatures")


def render_page(found: Measured) -> str:
    """The whole page."""
    return render(f"Backtest of {_source(found)}", _parts(found))


def _parts(found: Measured) -> Iterator[str]:
    yield paragraph(lead(found.run["counts"], found.summary), "lead")
    yield paragraph(_subtitle(found))
    yield table(("all assets", "value"), summary_rows(found))
    yield section("Skill")
    yield from _skill(found)
    yield section("Calibration")
    yield from _calibration(found)
    yield section("The predictor over time")
    yield from _state(found)
    yield section("Latency and load")
    yield from _service(found)
    shown = min(len(found.assets), SHOWN_ASSETS)
    yield section(f"Assets, the worst first ({shown} of {len(found.assets)})")
    yield from _assets(found)
    for name, detail in found.details.items():
        yield from _detail(name, detail)


def _source(found: Measured) -> Any:
    source = found.run["source"]
    return source.get("path") or source.get("topic") or source.get("name")


def _subtitle(found: Measured) -> str:
    run = found.run
    return (
        f"{run['counts']['results']:,} ticks of {run['counts']['assets']:,} assets, "
        f"{run['decisions'].replace('_', ' ')}, configuration {run['fingerprint']}, {run['dtype']}"
        + "".join(f". Warning: {warning}" for warning in found.warnings)
    )


def _skill(found: Measured) -> Iterable[str]:
    against = found.summary["against"]
    yield dot_chart(
        "Skill against simple forecasts",
        ("skill, 95% interval",),
        [DotRow(peer, (_dot(one),)) for peer, one in against.items()],
        note="Share of their squared error that the model saves; right of zero it is better.",
    )
    yield table(*peer_table(found))
    timeline = found.timeline
    yield line_chart(
        "Skill against persistence over time",
        timeline.middle_ns,
        {"skill": timeline.skill()},
        bands={"skill": timeline.skill_band()},
        zero=True,
        note="In stretches of equal length, with 95% intervals.",
    )


def _calibration(found: Measured) -> Iterable[str]:
    yield bar_chart(
        "Where prices fell in the normal forecast (PIT)",
        dict(zip(SCALES, found.calibration.density(), strict=True)),
        low=0.0,
        high=1.0,
        ticks=(0.0, 0.25, 0.5, 0.75, 1.0),
        level=1.0,
        level_name="right width",
        note="A hump: the scale is too wide; a bowl: too narrow. Recent errors are the model's "
        "own, of the past; the published scale is the spread of the levels and no error bar.",
    )
    yield paragraph("Share of prices inside the central intervals of these forecasts:")
    yield table(*coverage_table(found))


def _state(found: Measured) -> Iterable[str]:
    timeline = found.timeline
    time_ns = timeline.middle_ns
    weights = dict(zip(_KERNELS, timeline.mean_weights(), strict=True))
    yield line_chart("Mean weight of each kernel", time_ns, weights, zero=True)
    low, middle, high = timeline.holder_quantiles((0.1, 0.5, 0.9))
    yield line_chart(
        "Hölder exponent",
        time_ns,
        {"median": middle},
        bands={"median": (low, high)},
        note="Over assets and ticks; the band holds 80% of them.",
    )
    yield heat_strip(
        "Flag events",
        time_ns,
        found.flags,
        note="The more in a stretch, the stronger the colour; cleared ones are not counted.",
    )


def _service(found: Measured) -> Iterable[str]:
    service, time_ns = found.timeline.service, found.timeline.middle_ns
    without = service.without()
    if service.aged:
        yield line_chart(
            "Age of ticks when they were answered, ms (logarithm to base 10)",
            time_ns,
            {
                "median": np.log10(service.age_quantile_ms(0.5)),
                "99%": np.log10(service.age_quantile_ms(0.99)),
            },
            note="Processing time less event time, as the journal recorded it.",
        )
    else:
        yield paragraph("Every tick was answered at its own event time: no latency to show.")
    if without:
        yield line_chart(
            "Share of ticks without a kernel",
            time_ns,
            without,
            zero=True,
            note="Shed under load, or not running.",
        )
    else:
        yield paragraph("Every kernel took part in every tick: no load was shed.")
    depth = service.mean_depth()
    if np.nanmax(depth, initial=0.0) > np.nanmin(depth, initial=np.inf):
        yield line_chart("Mean signature depth", time_ns, {"depth": depth}, zero=True)


def _assets(found: Measured) -> Iterable[str]:
    yield dot_chart(
        "Skill against persistence",
        ("skill, 95% interval",),
        [DotRow(one["asset_id"], (_dot(one),)) for one in found.assets[:SHOWN_ASSETS]],
        note=f"An asset of which fewer than {ENOUGH} forecasts were judged has no interval.",
    )
    yield table(*asset_table(found))


def _detail(name: str, detail: AssetDetail) -> Iterable[str]:
    yield section(name)
    yield line_chart(
        "CUSUM (largest in a stretch) and its threshold",
        detail.time_ns,
        {
            "CUSUM": detail.lines["cusum_drift"],
            "threshold": detail.lines["adaptive_threshold"],
        },
        marks_ns=detail.alarms_ns,
        marks="alarm",
        shades_ns=detail.graces_ns,
        shades="grace",
        zero=True,
    )
    yield line_chart("Hölder exponent", detail.time_ns, {"H": detail.lines["holder_exponent"]})


def _dot(one: dict[str, Any]) -> Dot:
    """Skill with its interval."""
    value, low, high = (one[name] for name in ("skill", "skill_low", "skill_high"))
    return Dot(*(math.nan if part is None else part for part in (value, low, high)))
