"""Sends dead letters back to the ticks topic, each once, whatever interrupts it."""

from ops.dead_letters.copies import HEADER
from ops.dead_letters.errors import HopelessReplayError, LetterTooLargeError, ReplayError
from ops.dead_letters.replay import HOPELESS, ReplayReport, replay_dead_letters

__all__ = [
    "HEADER",
    "HOPELESS",
    "HopelessReplayError",
    "LetterTooLargeError",
    "ReplayError",
    "ReplayReport",
    "replay_dead_letters",
]
