"""The consumer group: who is in it, and whether every partition has an owner."""

from collections.abc import Iterator

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.fleet import describe_group
from workers.group.view import ONE_FLEET_A_GROUP

__all__ = ["check_group"]


def check_group(site: Site) -> Iterator[Finding]:
    """Stable and complete, or why not."""
    config = site.config
    if site.topics is None:
        yield Finding.skipped("group", "the brokers did not answer")
        return
    group = describe_group(config)
    for stranger in group.strangers:
        yield Finding.warning("group", f"{config.group_id}: {stranger}", ONE_FLEET_A_GROUP)
    if not group.workers:
        message = f"{config.group_id} has no members that read {config.topics.ticks}"
        yield Finding.warning("group", message, "start workers: `tickfleet worker`")
        return
    members = ", ".join(f"{one.worker} ({len(one.partitions)})" for one in group.workers)
    orphans = sorted(set(site.partitions) - group.owners.keys())
    if group.state != "STABLE" or orphans:
        yield Finding.warning(
            "group",
            f"{config.group_id} is {group.state.lower()}; members {members}; "
            f"without an owner: {orphans or 'none'}",
            "look again in a moment; if it stays, a worker keeps failing: read its log",
        )
    else:
        yield Finding.ok("group", f"{config.group_id} is stable: {members}")
    idle = [one.worker for one in group.workers if not one.partitions]
    # Beside another fleet's they may be its.
    if idle and not orphans and not group.strangers:
        yield Finding.warning(
            "group",
            f"no partition for {', '.join(idle)}",
            "there are more workers than partitions: add partitions, or stop these workers",
        )
