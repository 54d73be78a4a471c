"""H_t on a path whose roughness changes and that jumps: `python -m docs.figures.holder`."""

import numpy as np

from benchmarks.detectors import roughness
from docs.figures.svg import Panel, figure, save
from tests.core.holder.paths import fractional_noise

SEED = 7
STRETCHES = ((0.5, 1200), (0.25, 900), (0.5, 1500), (0.75, 900), (0.5, 1100))
JUMPS = {2900: 14.0, 5100: -14.0}


def main() -> None:
    rng = np.random.default_rng(SEED)
    increments = np.concatenate([fractional_noise(h, n, 1, rng)[:, 0] for h, n in STRETCHES])
    for tick, size in JUMPS.items():
        increments[tick] += size
    truth = np.concatenate([np.full(n, h) for h, n in STRETCHES])
    fused = roughness(increments[:, None])
    bank = roughness(increments[:, None], "bank")
    exponent, error = fused.holder_exponent[:, 0], fused.standard_error[:, 0]

    path = np.cumsum(increments)
    price = Panel("path, in increment scales", path.min() - 5, path.max() + 5, 150)
    price.shade(fused.emergency[:, 0], "#f6c9c4")
    price.curve(path, "#222")
    reading = Panel("H", 0.0, 1.0, 250, ticks=(0.0, 0.25, 0.4, 0.5, 0.75, 1.0))
    reading.shade(fused.emergency[:, 0], "#f6c9c4")
    reading.band(exponent - 2 * error, exponent + 2 * error, "#cfe0f3")
    reading.curve(np.full(len(path), 0.4), "#b33", width=0.7)
    reading.curve(truth, "#888", width=1.5)
    reading.curve(bank.holder_exponent[:, 0], "#e08a1e", width=1.2)
    reading.curve(exponent, "#1f5fa8", width=1.4)
    reading.title = (
        "H: true (grey), fused with its band of 2 standard errors (blue), "
        "bank alone (orange); shaded: emergency"
    )
    document = figure([price, reading], axis=range(0, 5001, 1000), length=len(path), label="tick")
    save(__file__, document)


if __name__ == "__main__":
    main()
