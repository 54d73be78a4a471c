"""Every trial of a round, and the best so far."""

import numpy as np

from ops.html.frame import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Scale,
    figure,
    nice_ticks,
    number_axis,
    y_axis,
)
from workers.tuning import RoundEvidence

__all__ = ["trials_chart"]

_QUANTILE = 0.25


def trials_chart(one: RoundEvidence) -> str:
    """A figure; hopeless trials are drawn on its lower edge."""
    values = np.array([trial.value for trial in one.trials])
    # One hopeless trial must not press all others into a line.
    middle = np.quantile(values, _QUANTILE)
    low = max(float(values.min()), float(middle - 3.0 * (values.max() - middle)))
    ticks = nice_ticks(low, float(values.max()))
    bottom = HEIGHT - BOTTOM
    x = Scale(0.5, len(values) + 0.5, LEFT, WIDTH - RIGHT)
    y = Scale(ticks[0], ticks[-1], bottom, TOP)
    axis = [tick for tick in nice_ticks(1, len(values)) if 1 <= tick <= len(values)]
    body = [y_axis(ticks, y), number_axis(axis, x, top=TOP, bottom=bottom - 2, lines=False)]
    best, path = -np.inf, list[str]()
    for number, trial in enumerate(one.trials, 1):
        at = min(y(trial.value), float(bottom))
        kind = "c1" if trial.pruned else "c0"
        body.append(f'<circle class="dot {kind}" cx="{x(number):.1f}" cy="{at:.1f}" r="3.5"/>')
        if not trial.pruned and trial.value > best:
            best = trial.value
            path.append(f"{'V' if path else f'M{x(number):.1f} '}{y(best):.1f}")
        path += [f"H{x(number + 0.5):.1f}"] if path else []
    body.append(f'<path class="line c2" d="{"".join(path)}"/>')
    return figure(
        "Trials in their order",
        "".join(body),
        legend={"complete": "c0", "given up between folds": "c1", "best so far": "c2"},
        note="Mean skill over the folds that chose (of those given up: over the folds they came "
        "to).",
    )
