"""The Avro contracts shipped with this package: the current ones and every released copy.

A released copy never changes. A change to a current contract must stay readable against
every release (BACKWARD); tests/schemas/test_compatibility.py holds that line.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from fastavro.schema import parse_schema

from schemas.fingerprint import fingerprint_of

__all__ = ["CONTRACT_NAMES", "Contract", "contract", "parse_contract", "released_contracts"]

CONTRACT_NAMES = ("Tick", "PredictionResult", "FlagEvent", "DeadLetter", "JournalRecord")


@dataclass(frozen=True, slots=True)
class Contract:
    """One record schema in the forms its users need.

    Attributes:
        name: record name without namespace.
        text: the .avsc document; what a schema registry is given.
        parsed: the schema as fastavro wants it.
        fingerprint: CRC-64-AVRO, 8 bytes little-endian.
    """

    name: str
    text: str
    parsed: Any
    fingerprint: bytes

    @property
    def fields(self) -> list[dict[str, Any]]:
        """Field declarations in wire order."""
        return list(json.loads(self.text)["fields"])


@cache
def contract(name: str) -> Contract:
    """The current contract called `name`, one of `CONTRACT_NAMES`."""
    return _load(files(__package__) / "avro" / f"{name}.avsc")


@cache
def released_contracts() -> tuple[Contract, ...]:
    """Every released copy of every contract, oldest release first."""
    releases = (files(__package__) / "released").iterdir()
    ordered = sorted(releases, key=lambda release: int(release.name.removeprefix("v")))
    return tuple(
        _load(file)
        for release in ordered
        for file in sorted(release.iterdir(), key=lambda entry: entry.name)
        if file.name.endswith(".avsc")
    )


def _load(file: Traversable) -> Contract:
    return parse_contract(file.read_text(encoding="utf-8"))


def parse_contract(text: str) -> Contract:
    """The contract that a .avsc document is."""
    document = json.loads(text)
    return Contract(
        name=document["name"],
        text=text,
        parsed=parse_schema(document),
        fingerprint=fingerprint_of(document),
    )
