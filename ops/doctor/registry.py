"""The schema registry: whether it answers, and whether it takes our contracts."""

from collections.abc import Iterator

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from schemas import registry_client
from schemas.contracts import contract
from workers.config import Topics

__all__ = ["check_registry"]


def check_registry(site: Site) -> Iterator[Finding]:
    """Every output's contract must be compatible with what the registry holds for its topic."""
    config = site.config
    if config.schema_registry_url is None:
        yield Finding.skipped("registry", "none is set: records use Avro single-object encoding")
        return
    try:
        with registry_client(config.schema_registry_url, config.schema_registry) as client:
            subjects = set(client.get_subjects())
            refused = [
                subject
                for subject, name in _contracts(config.topics).items()
                if subject in subjects and not _compatible(client, subject, name)
            ]
    except Exception as error:  # the client's HTTP library has its own tree of errors
        yield Finding.failed(
            "registry",
            f"no answer from the schema registry: {type(error).__name__}: {error}",
            "check schema_registry_url, the credentials in [schema_registry], and that it is up",
        )
        return
    if refused:
        yield Finding.failed(
            "registry",
            f"our schema is incompatible with subject(s) {', '.join(refused)}",
            "another program writes to these subjects: choose other topic names, or remove them",
        )
    else:
        yield Finding.ok("registry", f"answers; {len(subjects)} subject(s), ours are compatible")


def _contracts(topics: Topics) -> dict[str, str]:
    """Subject -> the contract that workers write under it."""
    return {
        f"{topics.predictions}-value": "PredictionResult",
        f"{topics.flags}-value": "FlagEvent",
        f"{topics.dead_letters}-value": "DeadLetter",
        f"{topics.journal}-value": "JournalRecord",
    }


def _compatible(client: SchemaRegistryClient, subject: str, name: str) -> bool:
    return bool(client.test_compatibility(subject, Schema(contract(name).text, "AVRO")))
