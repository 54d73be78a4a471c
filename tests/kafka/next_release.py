"""A worker as the next release would be: it writes a journal whose schema is another one.

The fields stand in another order: the bytes and the fingerprint are others, the meaning is not, so
that this release's code can play the next one's part.
"""

import json
from importlib import import_module
from typing import Literal

from schemas.contracts import Contract, contract, parse_contract, released_contracts

__all__ = ["pretend"]


def _newer() -> Contract:
    document = json.loads(contract("JournalRecord").text)
    document["fields"].reverse()
    return parse_contract(json.dumps(document))


def pretend(release: Literal["knows", "writes"]) -> None:
    """Be a release that ships the new schema, or one that writes it, from now on."""
    newer = _newer()
    shipped = (*released_contracts(), newer)
    for module, name, value in (
        ("framing", "released_contracts", lambda: shipped),
        ("journal", "contract", lambda _: newer),
    ):
        if name == "released_contracts" or release == "writes":
            setattr(import_module(f"schemas.{module}"), name, value)
