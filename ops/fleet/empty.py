"""For what may be done to a group's commits and snapshots only while nobody works with them."""

import time
from typing import Final

from core.errors import FatalError
from ops.fleet.group import describe_group
from workers.config import WorkerConfig

__all__ = ["GroupBusyError", "wait_until_empty"]

_GRACE_S: Final = 3.0
_POLL_S: Final = 0.25


class GroupBusyError(FatalError):
    """The group has members: its commits and young snapshots are theirs."""


def wait_until_empty(config: WorkerConfig, *, instead: str = "") -> None:
    """Return once the group has no member.

    Blocks for up to a session: a static member that has stopped is one until its session ends.

    Args:
        config: names the cluster and the group.
        instead: what else can be done where workers are to go on, for the message.

    Raises:
        GroupBusyError: workers run.
        FleetUnreadableError: the brokers do not answer, or refuse.
    """
    session_s = config.session_timeout_ms / 1000
    deadline_s = time.monotonic() + session_s + _GRACE_S
    while True:
        group = describe_group(config)
        if not group.members:
            return
        if time.monotonic() > deadline_s:
            names = ", ".join(member.worker for member in group.members)
            raise GroupBusyError(
                f"group {config.group_id} has members ({names}): stop every worker first{instead}; "
                f"a worker that was stopped is gone when its session ends ({session_s:g} s)"
            )
        time.sleep(_POLL_S)
