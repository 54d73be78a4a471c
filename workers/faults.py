"""Named fault points: where a test may kill, stop, stall or hang this process.

Off unless `TICKFLEET_FAULT` is set when the process starts, e.g. `before_commit:kill:3` (kill
at the third pass) or `after_produce:stop`. Off, a point costs one attribute look-up and a
comparison. The names are the cases of design §11; the chaos tests iterate over `FAULT_POINTS`.
"""

import os
import signal
import threading
import time
from typing import Final

from workers.errors import ConfigurationError

__all__ = ["FAULT_POINTS", "fault_point", "fault_point_during"]

FAULT_POINTS: Final = (
    "after_consume",
    "after_step",
    "after_produce",
    "before_send_offsets",
    "after_send_offsets",
    "before_commit",
    "during_commit",
    "after_commit",
    "before_upload",
    "during_upload",
    "after_upload",
    "before_restore",
    "during_restore",
    "after_restore",
    "during_replay",
)
_STALL_S: Final = 30.0
_FOREVER_S: Final = 1e6


class _Armed:
    """One armed point with its action and the number of passes still to let through."""

    def __init__(self, spec: str) -> None:
        name, action, passes = (*spec.split(":"), "", "")[:3]
        if name not in FAULT_POINTS or action not in {"kill", "stop", "stall", "hang"}:
            raise ConfigurationError(
                f"TICKFLEET_FAULT={spec!r} is not POINT:kill|stop|stall|hang[:PASS] "
                f"with a point of {', '.join(FAULT_POINTS)}"
            )
        self.name = name
        self.action = action
        self.passes_left = int(passes or 1)

    def hit(self, name: str) -> None:
        if name != self.name:
            return
        self.passes_left -= 1
        if self.passes_left != 0:
            return
        if self.action in ("stall", "hang"):
            time.sleep(_STALL_S if self.action == "stall" else _FOREVER_S)
            return
        os.kill(os.getpid(), signal.SIGKILL if self.action == "kill" else signal.SIGSTOP)


_armed: Final = _Armed(os.environ["TICKFLEET_FAULT"]) if "TICKFLEET_FAULT" in os.environ else None


def fault_point(name: str) -> None:
    """Pass a named point; does nothing unless the process was started with that point armed."""
    if _armed is not None:
        _armed.hit(name)


def fault_point_during(name: str, delay_s: float = 0.003) -> None:
    """Arm a named point to strike while the call that follows is under way."""
    if _armed is not None and _armed.name == name:
        threading.Timer(delay_s, _armed.hit, (name,)).start()
