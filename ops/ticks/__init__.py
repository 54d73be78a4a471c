"""Ticks from files and generators, and their way into a topic."""

from ops.ticks.errors import TicksNotDeliveredError, TooFewPartitionsError
from ops.ticks.file import read_ticks
from ops.ticks.send import at_rate, in_real_time, send_ticks, unpaced
from ops.ticks.synthetic import synthetic_ticks
from ops.ticks.table import TickTable

__all__ = [
    "TickTable",
    "TicksNotDeliveredError",
    "TooFewPartitionsError",
    "at_rate",
    "in_real_time",
    "read_ticks",
    "send_ticks",
    "synthetic_ticks",
    "unpaced",
]
