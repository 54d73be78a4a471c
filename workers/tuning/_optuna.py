"""Says what to install where Optuna is missing."""

from importlib.util import find_spec

from workers.tuning.errors import TuningError

if find_spec("optuna") is None:
    raise TuningError("tuning needs Optuna: pip install 'tickfleet[tune]'")
