"""Says what to install where Arrow is missing."""

from importlib.util import find_spec

from workers.replay.errors import ReplayError

if find_spec("pyarrow") is None:
    raise ReplayError("replays and files of ticks need pyarrow: pip install 'tickfleet[backtest]'")
