"""Search for hyperparameters by strict walk-forward, and how far its result can be believed.

What does not live here: commands, progress bars and pages (`ops`). The one invariant: nothing that
a round chooses by comes from its held-out fold or from behind it.
"""

from workers.tuning import _optuna  # noqa: F401  (first: says what to install)
from workers.tuning.api import read_space, tune
from workers.tuning.errors import SearchHaltedError, TuningError
from workers.tuning.evidence import Evidence, FoldEvidence, RoundEvidence, Verdict
from workers.tuning.folder import interrupted
from workers.tuning.luck import expected_best
from workers.tuning.objective import Objective
from workers.tuning.search import Progress, SearchPlan, run_search
from workers.tuning.space import SearchSpace
from workers.tuning.ticks import SearchTicks, open_ticks, topic_ticks

__all__ = [
    "Evidence",
    "FoldEvidence",
    "Objective",
    "Progress",
    "RoundEvidence",
    "SearchHaltedError",
    "SearchPlan",
    "SearchSpace",
    "SearchTicks",
    "TuningError",
    "Verdict",
    "expected_best",
    "interrupted",
    "open_ticks",
    "read_space",
    "run_search",
    "topic_ticks",
    "tune",
]
