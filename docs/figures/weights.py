"""Latent weights when the best of four experts changes: `python -m docs.figures.weights`."""

import numpy as np

from docs.figures.svg import Panel, figure, save
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
    save(__file__, document)


if __name__ == "__main__":
    main()
