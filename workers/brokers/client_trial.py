"""Finds out whether clients take the options they are given, and the files that these name."""

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from schemas import registry_client
from workers.brokers.client_config import consumer_settings, producer_settings
from workers.config import WorkerConfig
from workers.errors import ConfigurationError

__all__ = ["check_client_options", "check_kafka_options"]


def check_client_options(config: WorkerConfig) -> None:
    """Make the clients the worker will make, and drop them; nothing is joined or sent.

    Raises:
        ConfigurationError: an option is unknown, out of range or reserved, or its file is of no
            use; it is named.
    """
    check_kafka_options(config)
    _check_registry_options(config)


def check_kafka_options(config: WorkerConfig) -> None:
    """Those of Kafka only, for whoever may need no registry.

    Raises:
        ConfigurationError: as `check_client_options`.
    """
    for table, make in (("consumer", _make_consumer), ("producer", _make_producer)):
        try:
            make(config)
        except (KafkaException, ValueError, TypeError) as error:
            told = error.args[0].str() if isinstance(error, KafkaException) else str(error)
            raise ConfigurationError(
                f"librdkafka refuses an option of [kafka] or [kafka.{table}]: {told.strip()}. "
                "Correct it as librdkafka's CONFIGURATION.md says"
            ) from error


def _check_registry_options(config: WorkerConfig) -> None:
    if config.schema_registry_url is None:
        return
    try:
        with registry_client(config.schema_registry_url, config.schema_registry):
            pass
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"the registry's client refuses an option of [schema_registry]: {error}. Correct it as "
            "confluent_kafka's SchemaRegistryClient says"
        ) from error


def _make_consumer(config: WorkerConfig) -> None:
    Consumer(consumer_settings(config, _ignore)).close()


def _make_producer(config: WorkerConfig) -> None:
    Producer(producer_settings(config, _ignore)).flush(0)


def _ignore(_: KafkaError) -> None:
    """Connection errors are none of this check's business."""
