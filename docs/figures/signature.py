"""What kernel D sees of a path: `python -m docs.figures.signature`."""

import jax
import jax.numpy as jnp
import numpy as np

from core.kernels.signature import fading
from core.kernels.signature.tensor import flatten, logarithm
from core.kernels.signature.words import row
from docs.figures.svg import Panel, figure, save

SEED, DEPTH = 2, 3
STRETCH = 100
COLOURS = ("#1f5fa8", "#e08a1e", "#3a8f3a")


def increments() -> np.ndarray:
    """Of the price, in its own scales: noise, a trend, a bounce between bid and ask, a jump."""
    noise = np.random.default_rng(SEED).standard_normal((4, STRETCH))
    noise[1] = 0.4 * noise[1] + 0.6
    noise[2] = np.diff(np.resize([0.0, 1.4], STRETCH + 1)) + 0.2 * noise[2]
    noise[3, 0] = 12.0
    return noise.ravel()


def seen(moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x at the three half-lives, and the log coordinate tx at the shortest; a row a tick."""
    [field] = fading.fields(DEPTH)
    rows = jnp.zeros((field.rows, 1))
    area = row((0, 1))

    def tick(rows: jax.Array, move: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        new, tensor = fading.update({field.name: rows}, jnp.full((1, 1), move), DEPTH)
        return new[field.name], (tensor[0][1, :, 0], flatten(logarithm(tensor))[area, 0, 0])

    _, found = jax.lax.scan(tick, rows, jnp.asarray(moves))
    levels, areas = map(np.asarray, found)
    return levels, areas


def main() -> None:
    moves = increments()
    levels, areas = seen(moves)
    price = np.cumsum(moves)
    path = Panel(
        "price, in scales of its increments: noise, a trend, a bounce, a jump and noise",
        price.min() - 3.0, price.max() + 3.0, 150,
    )  # fmt: skip
    path.curve(price, "#222")
    memory = Panel(
        "x at half-lives of 2 (blue), 8 (orange) and 32 ticks (green)", -4.0, 7.0, 150,
        ticks=(-4.0, 0.0, 4.0),
    )  # fmt: skip
    for half_life, colour in enumerate(COLOURS):
        memory.curve(levels[:, half_life], colour, width=1.2)
    high = 1.1 * np.abs(areas).max()
    turn = Panel(
        "log coordinate tx at half-life 2: whether the move came early or late", -high, high, 130,
        ticks=(0.0,),
    )  # fmt: skip
    turn.curve(areas, COLOURS[0], width=1.2)
    document = figure(
        [path, memory, turn], axis=range(0, moves.size + 1, STRETCH), length=moves.size,
        label="tick",
    )  # fmt: skip
    save(__file__, document)


if __name__ == "__main__":
    main()
