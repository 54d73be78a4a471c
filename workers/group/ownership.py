"""Sees to it that every partition of the group has an owner.

A static member's new life gets the place of the last one back without a rebalance (KIP-345). Where
that one had been told to give partitions up, and ended before it said that it had, the second half
of the rebalance (KIP-429), which would give them to somebody, never comes. So after each assignment
the group is looked at, and where partitions stay without an owner one member calls for a rebalance.
"""

import threading
import time
from dataclasses import replace
from typing import Final

import structlog
from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from workers.brokers.client_config import admin_settings, consumer_settings
from workers.config import GroupProtocol, WorkerConfig
from workers.group.view import ONE_FLEET_A_GROUP, GroupView, view_group
from workers.telemetry.metrics import M, Telemetry

__all__ = ["OwnershipWatch"]

_log = structlog.get_logger()
_LOOK_EVERY_S: Final = 5.0
"""Longer than a rebalance takes: what one look finds without an owner may be on its way."""
_JOIN_WITHIN_S: Final = 30.0


class OwnershipWatch:
    """Looks at the group from a thread of its own, from an assignment until all is owned.

    Args:
        config: the group, its topic and its protocol; only static members of the classic protocol
            need this.
        telemetry: counts the rebalances that were called for.
    """

    def __init__(self, config: WorkerConfig, telemetry: Telemetry) -> None:
        self._config = config
        self._telemetry = telemetry
        self._strangers: tuple[str, ...] = ()
        self._needed = config.static_membership and config.group_protocol is GroupProtocol.CLASSIC
        self._asked, self._closed = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="ownership", daemon=True)

    def begin(self) -> None:
        """The group has shared its partitions out; never blocks."""
        if not self._needed:
            return
        self._asked.set()
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        self._asked.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._asked.wait()
            self._asked.clear()
            self._watch()

    def _watch(self) -> None:
        before: set[int] = set()
        while not self._closed.wait(_LOOK_EVERY_S):
            try:
                ownerless, ours_to_call = self._look()
                if not ownerless:
                    return
                if ownerless == before and ours_to_call:
                    _log.warning("partitions_without_owner", partitions=sorted(ownerless))
                    self._call_rebalance()
                before = ownerless
            except (KafkaException, TimeoutError) as error:
                _log.info("ownership_unknown", reason=str(error) or "no answer in time")

    def _look(self) -> tuple[set[int], bool]:
        """Partitions without an owner, and whether it falls to this worker to say so."""
        config, topic = self._config, self._config.topics.ticks
        group = view_group(config)
        self._tell(group.strangers)
        with AdminClient(admin_settings(config)) as admin:
            topics = admin.list_topics(topic, timeout=config.client_timeout_s).topics
        known = topics[topic].partitions
        return set(known) - group.owners.keys(), _caller(group) == config.worker_id

    def _tell(self, strangers: tuple[str, ...]) -> None:
        """Once for each: with one id, or one journal, two fleets are in each other's way."""
        if strangers and strangers != self._strangers:
            _log.warning(
                "another_fleet_in_group", members="; ".join(strangers), remedy=ONE_FLEET_A_GROUP
            )
        self._strangers = strangers

    def _call_rebalance(self) -> None:
        """Be one member more for a moment: when it comes, all say what they own."""
        self._telemetry.inc(M.REBALANCES, kind="called")
        settings = consumer_settings(
            replace(self._config, static_membership=False), lambda _error: None
        )
        member = Consumer(settings)
        joined = threading.Event()
        try:
            member.subscribe([self._config.topics.ticks], on_assign=lambda *_: joined.set())
            deadline_s = time.monotonic() + _JOIN_WITHIN_S
            while not joined.is_set() and time.monotonic() < deadline_s:
                member.poll(0.1)
        finally:
            member.close()


def _caller(group: GroupView) -> str:
    """The member with the fewest partitions: what is missing is most likely meant for it."""
    calm = [one for one in group.workers if group.state == "STABLE"]
    return min(calm, key=lambda one: (len(one.partitions), one.worker)).worker if calm else ""
