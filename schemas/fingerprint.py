"""Identity of a schema: Parsing Canonical Form and CRC-64-AVRO (Avro 1.12 specification).

Two schemas with one canonical form encode every value to the same bytes, whatever their
documentation, defaults or formatting.
"""

import json
from typing import Any

from fastavro.schema import fingerprint, to_parsing_canonical_form

__all__ = ["FINGERPRINT_SIZE", "canonical_form", "fingerprint_of"]

FINGERPRINT_SIZE = 8


def canonical_form(schema: Any) -> str:
    """The Parsing Canonical Form of a schema given as JSON text or as parsed JSON."""
    return str(to_parsing_canonical_form(json.loads(schema) if isinstance(schema, str) else schema))


def fingerprint_of(schema: Any) -> bytes:
    """CRC-64-AVRO of the canonical form, as the 8 little-endian bytes that go on the wire."""
    return bytes.fromhex(str(fingerprint(canonical_form(schema), "CRC-64-AVRO")))
