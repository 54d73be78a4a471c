"""Whether the topics outlive a broker: their replicas, and how many of them a record waits for."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from ops.doctor.finding import Finding
from ops.doctor.site import Site

__all__ = ["check_replication"]

_ENOUGH: Final = 3
_IN_SYNC: Final = "min.insync.replicas"
_UNCLEAN: Final = "unclean.leader.election.enable"


def check_replication(site: Site) -> Iterator[Finding]:
    """Of a lone broker nothing is said here: that there is one is a finding of its own."""
    wanted = min(_ENOUGH, site.brokers)
    if wanted < 2:
        return
    alike: defaultdict[tuple[int, int | None], list[str]] = defaultdict(list)
    for name, info in (site.topics or {}).items():
        told = info.config.get(_IN_SYNC)
        alike[info.replicas, None if told is None else int(told)].append(name)
    for (replicas, in_sync), names in sorted(alike.items(), key=str):
        yield from _judge(", ".join(names), wanted, replicas, in_sync)
    topics = site.topics or {}
    unclean = [name for name, info in topics.items() if info.config.get(_UNCLEAN) == "true"]
    if unclean:
        yield Finding.warning(
            "topics",
            f"{', '.join(unclean)}: {_UNCLEAN}: what was acknowledged may be lost without a word, "
            "and other records get its offsets",
            f"kafka-configs.sh --alter --topic TOPIC --add-config {_UNCLEAN}=false",
        )


def _judge(names: str, wanted: int, replicas: int, in_sync: int | None) -> Iterator[Finding]:
    altered = f"kafka-configs.sh --alter --topic TOPIC --add-config {_IN_SYNC}"
    if replicas < wanted:
        yield Finding.warning(
            "topics",
            f"{names}: {replicas} replica(s), {wanted} are to be had: records are lost with a "
            "broker's disk",
            f"kafka-reassign-partitions.sh adds some; new ones: topics create --replicas {wanted}",
        )
    elif in_sync is not None and replicas >= _ENOUGH and in_sync < 2:
        yield Finding.warning(
            "topics",
            f"{names}: {_IN_SYNC} = {in_sync}: what one broker alone has taken is lost with its "
            "disk",
            f"{altered}=2",
        )
    if in_sync is not None and 1 < replicas <= in_sync:
        yield Finding.warning(
            "topics",
            f"{names}: {_IN_SYNC} = {in_sync} of {replicas} replicas: nothing is taken while a "
            "broker is away",
            f"{altered}={replicas - 1}",
        )
