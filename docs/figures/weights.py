"""Latent weights when the best of four experts changes: `python -m docs.figures.weights`."""

from pathlib import Path

import numpy as np

from docs.figures.svg import Panel, figure
from tests.core.test_orchestrator import SEGMENT, TICKS, play, switching

SEED = 0
COLOURS = ("#1f5fa8", "#e08a1e", "#3a8f3a", "#8a4fa3")


def main() -> None:
    forecasts, outcomes = switching(SEED)
    played = play(forecasts, outcomes)
    best = played.expert_loss[np.arange(TICKS), np.arange(TICKS) // SEGMENT]
    regret = np.cumsum(played.mixture_loss[:, 0] - best[:, 0])
    weights = Panel("latent weights; every 1000 ticks another expert is the best", 0.0, 1.0, 200)
    for expert, colour in enumerate(COLOURS):
        weights.curve(played.weights[:, expert, 0], colour)
    sums = Panel("regret against the best expert of each stretch", 0.0, 1.1 * regret.max(), 130)
    sums.curve(regret, "#222", width=1.3)
    document = figure(
        [weights, sums], axis=range(0, TICKS + 1, SEGMENT), length=TICKS, label="tick"
    )
    target = Path(__file__).with_suffix(".svg")
    target.write_text(document, encoding="utf-8")
    print(f"{target}: {len(document) // 1024} KiB")  # noqa: T201


if __name__ == "__main__":
    main()
