"""The live page: what a fleet does and says now, read-only, for browsers on this machine.

Feeds on threads read Kafka as any subscriber does and fill a board of bounded size; HTTP answers
are made of the board alone. Invariant: nothing here joins a group, commits, produces or stores.
"""

from ops.web.app import make_app
from ops.web.board import Board
from ops.web.feeds import Feeds
from ops.web.serve import is_loopback, serving

__all__ = ["Board", "Feeds", "is_loopback", "make_app", "serving"]
