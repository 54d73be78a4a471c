"""Builds the stage a scenario asks for, and takes it down again."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ops.local import Listener, LocalCluster, LocalKafka
from ops.local.process import free_port
from snapshots import StoreOptions
from tests.chaos.lossy_proxy import LossyProxy, lossy_proxy
from tests.chaos.scenario import Scenario
from tests.chaos.small_disk import small_disk
from tests.chaos.stage import Stage
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.fleet import Fleet
from tests.snapshots.faulty_proxy import faulty_proxy

__all__ = ["staged"]


@contextmanager
def staged(
    scenario: Scenario, folder: Path, *, kafka: KafkaCluster | None, s3: Mapping[str, str]
) -> Iterator[Stage]:
    """A stage with topics of its own.

    Args:
        scenario: what will be played.
        folder: for everything the run leaves.
        kafka: the shared cluster; None where the scenario brings its own brokers.
        s3: `endpoint` and `bucket` of a store, used when the scenario asks for one.

    Raises:
        NoDiskError: it asks for a small disk, and none can be mounted here.
    """
    with ExitStack() as stack:
        brokers: Mapping[int, LocalKafka] = {}
        settings: dict[str, Any] = dict(scenario.settings)
        proxy = stack.enter_context(lossy_proxy()) if scenario.proxied else None
        if proxy is not None:
            kafka, brokers = _proxied_broker(proxy, folder, stack)
            settings["bootstrap_servers"] = f"127.0.0.1:{proxy.port}"
        elif kafka is None:
            kafka, brokers = _own_cluster(scenario, folder, stack)
        plan = None
        if scenario.s3:
            url, plan = stack.enter_context(faulty_proxy(s3["endpoint"]))
            options = StoreOptions(endpoint_url=url, region="us-east-1", addressing_style="path")
            settings |= {
                "snapshot_url": f"s3://{s3['bucket']}/fleet",
                "store_options": asdict(options),
            }
        disk = None
        if scenario.disk_mib:
            disk = stack.enter_context(small_disk(folder / "disk", scenario.disk_mib))
            settings["snapshot_url"] = disk.folder.as_uri()
        ticks = kafka.create_topic("ticks", partitions=scenario.partitions)
        fleet = Fleet(kafka, folder / "fleet", ticks, scenario.partitions, settings)
        stack.callback(fleet.kill_all)
        yield Stage(kafka, fleet, brokers=brokers, store=plan, proxy=proxy, disk=disk)


def _own_cluster(
    scenario: Scenario, folder: Path, stack: ExitStack
) -> tuple[KafkaCluster, Mapping[int, LocalKafka]]:
    if scenario.own_brokers == 1:
        broker = stack.enter_context(LocalKafka(folder / "kafka"))
        return KafkaCluster(broker.bootstrap), {1: broker}
    cluster = stack.enter_context(LocalCluster(folder / "kafka"))
    return KafkaCluster(cluster.bootstrap, replication=3), cluster.brokers


def _proxied_broker(
    proxy: LossyProxy, folder: Path, stack: ExitStack
) -> tuple[KafkaCluster, Mapping[int, LocalKafka]]:
    """A broker with a listener of its own for the proxy; ours stays direct."""
    listener = Listener("PROXIED", "PLAINTEXT", free_port(), f"127.0.0.1:{proxy.port}")
    broker = stack.enter_context(LocalKafka(folder / "kafka", listener=listener))
    proxy.start(listener.port)
    return KafkaCluster(broker.bootstrap), {1: broker}
