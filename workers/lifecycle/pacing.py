"""When to begin anew after a failure: at once, and ever later while it comes back soon."""

from typing import Final

from workers.clock import Clock

__all__ = ["Pacing"]

_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 5.0
_CALM_S: Final = 30.0
"""A beginning that lasted so long was not in vain."""


class Pacing:
    """Spaces beginnings that do not last: what always fails must not keep brokers and store busy.

    Args:
        clock: measures how long they lasted.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._begun_s = float("-inf")
        self._pause_s = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time for another one."""
        return self._clock.monotonic_s() >= self._begun_s + self._pause_s

    def begin(self) -> None:
        """There has been one."""
        now_s = self._clock.monotonic_s()
        lasted = now_s - self._begun_s > _CALM_S
        longer_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._pause_s = 0.0 if lasted else longer_s
        self._begun_s = now_s
