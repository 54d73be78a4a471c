"""Who is in the group, and who has which partitions."""

from confluent_kafka import KafkaException

from ops.fleet.errors import FleetUnreadableError
from workers.config import WorkerConfig
from workers.group.view import GroupView, view_group

__all__ = ["describe_group"]


def describe_group(config: WorkerConfig) -> GroupView:
    """The group as its coordinator sees it now; a group that never was is DEAD and empty.

    Raises:
        FleetUnreadableError: the coordinator does not answer, or refuses.
    """
    try:
        return view_group(config)
    except (KafkaException, TimeoutError) as error:
        if isinstance(error, KafkaException) and error.args[0].name() == "GROUP_ID_NOT_FOUND":
            return GroupView("DEAD", ())
        reason = str(error) or "no answer in time"
        raise FleetUnreadableError(
            f"group {config.group_id} is not described ({reason}): check the brokers, and the "
            "DESCRIBE permission on the group"
        ) from error
