"""The program for ticks of one asset alone, compiled when it has been missed, aside of the ticks.

Until it is there they run in tiles: their bits are the same.
"""

from threading import Thread
from typing import Final

from core import LoneRun, PredictorConfig, compile_run, run_is_kept

__all__ = ["Soloist"]

_MISSED_CALLS: Final = 16_384
"""Of the step, a few seconds: a short replay is over before the program would be compiled."""
_WAITED_CALLS: Final = 32_768
"""A batch that would do without the program for so many waits for it: only replays have such."""
_LOADED_CALLS: Final = 2_048
"""The same, where an earlier process has compiled it: loading takes a third of a second."""


class Soloist:
    """Hands out the program.

    Args:
        config: the predictor's configuration.
        dtype: of the state.
    """

    def __init__(self, config: PredictorConfig, dtype: str) -> None:
        self._config, self._dtype = config, dtype
        self._missed_calls = 0.0
        self._run: LoneRun | None = None
        self._compiling: Thread | None = None

    def run_for(self, saved_calls: float) -> LoneRun | None:
        """The program, or None while it is not there.

        Args:
            saved_calls: of the step, that are made if it is not.
        """
        if self._run is None:
            if self._worth_waiting(saved_calls):
                self.prepare()
                return self._run
            self._missed_calls += saved_calls
            if self._compiling is None and self._missed_calls > _MISSED_CALLS:
                # Not a daemon: the compiler must not be torn down while it works.
                self._compiling = Thread(target=self.prepare, name="compile-run")
                self._compiling.start()
        return self._run

    def _worth_waiting(self, saved_calls: float) -> bool:
        return saved_calls > _WAITED_CALLS or (
            saved_calls > _LOADED_CALLS and run_is_kept(self._config, self._dtype)
        )

    def prepare(self) -> None:
        """Compile the program here and now."""
        self._run = compile_run(self._config, self._dtype)
