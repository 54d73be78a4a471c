"""A search inside Python: ticks and a space in, a configuration with its evidence out."""

import tomllib
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core import PredictorConfig
from workers.replay import Layout, TicksWarning
from workers.tuning.errors import TuningError
from workers.tuning.evidence import Evidence
from workers.tuning.search import Progress, SearchPlan, run_search
from workers.tuning.space import SearchSpace
from workers.tuning.ticks import open_ticks

__all__ = ["read_space", "tune"]


def tune(
    ticks: Any,
    *,
    space: Mapping[str, Any] | Path | str,
    out: Path | str,
    config: PredictorConfig | None = None,
    layout: Layout | None = None,
    resume: bool = False,
    processes: int = 1,
    progress: Callable[[Progress], None] = lambda _progress: None,
    **plan: Any,
) -> Evidence:
    """Search hyperparameters by strict walk-forward.

    Args:
        ticks: a file, or a pandas, polars or pyarrow table, as `workers.replay.backtest` takes.
        space: setting -> its dimension, or the TOML file of that.
        out: the folder to be made.
        config: the baseline, and the settings that are not searched; the default ones if None.
        layout: other column names, time units, what is allowed.
        resume: go on with an interrupted search of the same plan.
        processes: how many evaluate trials at once.
        progress: told after each fold of a trial.
        **plan: `trials`, `folds`, `held_out`, `objective`, `embargo`, `warm_up`, `seed`, `prune`
            and `dtype` of `SearchPlan`.

    Warns:
        TicksWarning: as `workers.replay.backtest`, before the first trial.

    Raises:
        TuningError: space, plan or folder cannot be used.
        SearchHaltedError: a process died, or the folder is in use; `resume` goes on.
        BadTicksError: the ticks cannot be used.
    """
    base = config or PredictorConfig()
    table = read_space(Path(space)) if isinstance(space, Path | str) else space
    made = SearchPlan(
        open_ticks(ticks, layout or Layout()),
        SearchSpace.parse(table, base),
        Path(out),
        base,
        **plan,
    )

    def warn(text: str) -> None:
        warnings.warn(text, TicksWarning, stacklevel=4)  # where this function was called

    return run_search(made, resume=resume, processes=processes, progress=progress, warn=warn)


def read_space(path: Path) -> dict[str, Any]:
    """The table of a space's file.

    Raises:
        TuningError: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # some editors put a mark before
    except (OSError, UnicodeDecodeError) as error:
        raise TuningError(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise TuningError(f"{path} is no valid TOML: {error}") from error
