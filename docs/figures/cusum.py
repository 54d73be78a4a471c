"""CUSUM, its threshold and grace after a break: `python -m docs.figures.cusum`."""

import numpy as np

from docs.figures.svg import Panel, figure, save
from tests.core.test_cusum import watch

SEED = 3
TICKS, BREAK, SECOND = 900, 400, 650


def main() -> None:
    errors = np.random.default_rng(SEED).standard_normal((TICKS, 1))
    errors[BREAK:] *= 3.0
    errors[SECOND:] += 3.0
    seen = watch(errors)
    top = 1.1 * max(seen.g_plus.max(), seen.threshold.max())
    series = Panel("forecast errors: deviation x3 at 400, mean +1 deviation at 650", -12, 15, 130)
    series.curve(errors[:, 0], "#222")
    drift = Panel(
        "G+ (blue, the shadow one in grace) and h_t (red); shaded: grace after an alarm",
        0.0,
        top,
        220,
    )
    drift.shade(seen.in_grace[:, 0], "#e4e4e4")
    drift.curve(seen.threshold[:, 0], "#b33")
    drift.curve(seen.g_plus[:, 0], "#1f5fa8", width=1.3)
    document = figure([series, drift], axis=range(0, TICKS + 1, 100), length=TICKS, label="tick")
    save(__file__, document)


if __name__ == "__main__":
    main()
