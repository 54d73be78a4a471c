"""The step and the training compiled side by side: the compiler takes one core for a program."""

from concurrent.futures import ThreadPoolExecutor

import jax

from core.compiled import TRAIN_WIDTH, TileStep, Trainer, compile_step, compile_trainer
from core.config import PredictorConfig
from core.packed import TILE_WIDTH

__all__ = ["compile_both"]


def compile_both(
    config: PredictorConfig, dtype: str = "float64", *, width: int = TILE_WIDTH
) -> tuple[TileStep, Trainer]:
    """`compile_step`, and `compile_trainer` for a tile or for one lane, as long as the step takes.

    Raises:
        ValueError: `dtype` is neither `float32` nor `float64`.
    """
    networks = TRAIN_WIDTH if width == TILE_WIDTH else 1
    device = jax.config.values["jax_default_device"]

    def training() -> Trainer:
        with jax.default_device(device):  # of the caller's thread, not of this one
            return compile_trainer(config, dtype, width=networks)

    with ThreadPoolExecutor(1, thread_name_prefix="compile") as aside:
        trainer = aside.submit(training)
        return compile_step(config, dtype, width=width), trainer.result()
