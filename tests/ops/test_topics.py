"""Topics are created co-partitioned, once, and contradictions are refused."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from confluent_kafka import Producer

from ops.topics import TopicRefusedError, TopicsError, create_topics, describe_topics
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.ops.cli.operated import run
from workers.config import Topics, WorkerConfig
from workers.errors import TopicLayoutError

pytestmark = pytest.mark.kafka


@pytest.fixture
def config(kafka: KafkaCluster) -> WorkerConfig:
    """A fleet with topics of its own."""
    prefix = unique_name("fleet")
    names = ("ticks", "predictions", "flags", "dead-letters", "journal")
    return WorkerConfig(
        bootstrap_servers=kafka.bootstrap,
        group_id=prefix,
        worker_id="w-0",
        snapshot_url="file:///unused",
        topics=Topics(*(f"{prefix}.{name}" for name in names)),
        kafka={"log_level": "0"},
    )


def test_all_are_created_once_with_the_same_partitions(config: WorkerConfig) -> None:
    assert describe_topics(config) == {}
    assert set(create_topics(config, partitions=3)) == set(config.topics.all())
    infos = describe_topics(config)
    assert {info.partitions for info in infos.values()} == {3}
    assert create_topics(config) == []
    assert describe_topics(config) == infos


def test_new_topics_follow_an_existing_input(config: WorkerConfig, kafka: KafkaCluster) -> None:
    kafka.create_topic(
        name=config.topics.ticks, partitions=5, config={"max.message.bytes": "3000000"}
    )
    assert config.topics.ticks not in create_topics(config)
    infos = describe_topics(config)
    assert infos[config.topics.journal].partitions == 5
    assert infos[config.topics.dead_letters].config["max.message.bytes"] == "6000000"
    with pytest.raises(TopicLayoutError, match="exists with 5 partitions, not 4"):
        create_topics(config, partitions=4)


def test_a_topic_that_does_not_fit_is_named(config: WorkerConfig, kafka: KafkaCluster) -> None:
    kafka.create_topic(name=config.topics.ticks, partitions=4)
    kafka.create_topic(name=config.topics.journal, partitions=2)
    with pytest.raises(TopicLayoutError, match=rf"{config.topics.journal} has 2 partitions"):
        create_topics(config)


def test_a_record_of_one_megabyte_fits_into_the_dead_letters(config: WorkerConfig) -> None:
    create_topics(config, partitions=1)
    producer = Producer({"bootstrap.servers": config.bootstrap_servers, "message.max.bytes": 8**8})
    failures: list[object] = []
    for size, topic in ((1_000_000, config.topics.ticks), (1_100_000, config.topics.dead_letters)):
        producer.produce(topic, bytes(size), on_delivery=lambda error, _: failures.append(error))
    assert producer.flush(30) == 0
    assert failures == [None, None]


def test_what_the_cluster_refuses_or_does_not_answer_is_explained(config: WorkerConfig) -> None:
    with pytest.raises(TopicRefusedError, match=r"[^.]\. Check --replicas"):
        create_topics(config, replicas=3)
    silent = replace(config, bootstrap_servers="127.0.0.1:1", client_timeout_s=1.0)
    with pytest.raises(TopicsError, match=r"no answer from 127\.0\.0\.1:1"):
        describe_topics(silent)


def test_replicas_that_cannot_be_or_are_not_changed_are_told(
    config: WorkerConfig, tmp_path: Path
) -> None:
    create_topics(config, partitions=1)
    path = tmp_path / "fleet.toml"
    names = "\n".join(f'{key} = "{value}"' for key, value in asdict(config.topics).items())
    path.write_text(f'bootstrap_servers = "{config.bootstrap_servers}"\n[topics]\n{names}\n')
    assert run("topics", "create", "-c", path, "--replicas", "1").stderr == ""
    told = run("topics", "create", "-c", path, "--replicas", "3").stderr
    assert all(name in told for name in config.topics.all()) and "given 3 replicas" in told
    assert "range x>=1" in run("topics", "create", "-c", path, "--replicas", "0", code=2).stderr
