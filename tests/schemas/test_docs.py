"""The pages about the contracts say what the contracts say."""

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from schemas import ErrorClass, FlagEventCodec, FlagType, SingleObjectFraming
from schemas.contracts import CONTRACT_NAMES, contract
from tests.schemas.test_flag_event import EVENT

DOCS = Path(__file__).parents[2] / "docs"
TOPICS = {
    "ticks": "Tick",
    "predictions": "PredictionResult",
    "flags": "FlagEvent",
    "dead-letters": "DeadLetter",
    "journal": "JournalRecord",
}


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text("utf-8"))
    return document


def test_field_tables_are_in_step_with_the_contracts() -> None:
    generator = runpy.run_path(str(DOCS / "generate_contracts.py"))
    page = generator["PAGE"].read_text("utf-8")
    assert generator["render"](page) == page, "run python docs/generate_contracts.py"
    for name in CONTRACT_NAMES:
        assert all(f"| `{field['name']}` |" in page for field in contract(name).fields)


def test_every_type_of_event_is_explained() -> None:
    page = (DOCS / "contracts.md").read_text("utf-8")
    [table] = re.findall(r"<!-- events -->\n(.*?)<!-- end -->", page, re.DOTALL)
    rows = [line.split(" | ") for line in table.strip().splitlines()[2:]]
    told = {row[0].removeprefix("| "): row[1:4] for row in rows}
    assert set(told) == set(FlagType) - {FlagType.UNKNOWN}
    assert told["DomainError"] == ["raised, cleared", "warning", "`outlier_rejected`"]
    assert told["RegimeChangeDetected"] == ["instant", "critical", "`regime_change_detected`"]
    assert told["StalenessWarning"] == ["instant", "warning", "–"]
    assert told["LoadShedding"][:2] == ["raised, cleared", "warning (raised), info (cleared)"]


def test_every_reason_of_a_refusal_is_explained() -> None:
    page = (DOCS / "contracts.md").read_text("utf-8")
    assert all(f"| `{reason.value}` |" in page for reason in ErrorClass)


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_every_field_is_documented_and_times_name_their_unit(name: str) -> None:
    document = json.loads(contract(name).text)
    assert document["namespace"] == "tickfleet"
    assert document["doc"]
    for field in document["fields"]:
        assert len(field["doc"]) > 20, field["name"]
        if field["name"].endswith("_ns"):
            assert "nanoseconds" in field["doc"]


def references(node: Any) -> Iterator[str]:
    """Every $ref in the document."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def resolve(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_asyncapi_has_what_version_3_requires(asyncapi: dict[str, Any]) -> None:
    assert asyncapi["asyncapi"] == "3.0.0"
    assert asyncapi["info"]["title"]
    assert asyncapi["info"]["version"]
    known = {"asyncapi", "info", "defaultContentType", "servers"}
    assert set(asyncapi) == known | {"channels", "operations", "components"}
    for operation in asyncapi["operations"].values():
        assert operation["action"] in {"send", "receive"}
        assert "address" in resolve(asyncapi, operation["channel"]["$ref"])


def test_asyncapi_references_lead_somewhere(asyncapi: dict[str, Any]) -> None:
    found = list(references(asyncapi))
    assert len(found) > len(CONTRACT_NAMES)
    for reference in found:
        if reference.startswith("#"):
            assert resolve(asyncapi, reference)
        else:
            assert (DOCS / reference).is_file(), reference


def test_asyncapi_gives_each_topic_its_contract(asyncapi: dict[str, Any]) -> None:
    described = {}
    for channel in asyncapi["channels"].values():
        [reference] = channel["messages"].values()
        payload = resolve(asyncapi, reference["$ref"])["payload"]
        assert payload["schemaFormat"].startswith("application/vnd.apache.avro")
        described[channel["address"]] = Path(payload["schema"]["$ref"]).stem
    assert described == TOPICS


def test_asyncapi_describes_the_headers_that_are_sent(asyncapi: dict[str, Any]) -> None:
    headers = asyncapi["components"]["schemas"]["CloudEventHeaders"]
    sent = FlagEventCodec(SingleObjectFraming()).cloudevent_headers(EVENT)
    assert headers["required"] == list(headers["properties"]) == [name for name, _ in sent]
