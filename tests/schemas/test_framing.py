import avro.schema
import pytest
from fastavro.schema import to_parsing_canonical_form

from schemas import ErrorClass, SingleObjectFraming, UndecodableError
from schemas.contracts import CONTRACT_NAMES, contract, released_contracts
from schemas.fingerprint import canonical_form, fingerprint_of

# From the Avro project's share/test/data/schema-tests.txt: schema, CRC-64-AVRO as a signed long.
VECTORS = [('"null"', 7195948357588979594), ('"boolean"', -6970731678124411036)]


@pytest.mark.parametrize(("text", "expected"), VECTORS)
def test_fingerprints_match_the_avro_projects_vectors(text: str, expected: int) -> None:
    assert int.from_bytes(fingerprint_of(text), "little", signed=True) == expected


@pytest.mark.parametrize("name", CONTRACT_NAMES)
def test_fingerprints_match_the_avro_library(name: str) -> None:
    parsed = avro.schema.parse(contract(name).text)
    assert contract(name).fingerprint == parsed.fingerprint("CRC-64-AVRO")
    assert SingleObjectFraming().header(contract(name)) == b"\xc3\x01" + contract(name).fingerprint


def test_documentation_does_not_change_a_schemas_identity() -> None:
    bare = canonical_form(contract("Tick").text)
    assert '"doc"' not in bare
    assert fingerprint_of(bare) == contract("Tick").fingerprint


def test_every_released_schema_is_known_and_its_writer_schema_is_given_back() -> None:
    framing = SingleObjectFraming()
    assert released_contracts()
    for released in released_contracts():
        writer = framing.writer_schema(framing.header(released))
        assert to_parsing_canonical_form(writer) == canonical_form(released.text)


@pytest.mark.parametrize(
    ("header", "error_class"),
    [
        (b"\x00" * 10, ErrorClass.UNDECODABLE),
        (b"\xc3\x01" + b"\x07" * 8, ErrorClass.UNKNOWN_SCHEMA),
    ],
)
def test_other_headers_are_refused(header: bytes, error_class: ErrorClass) -> None:
    with pytest.raises(UndecodableError) as refused:
        SingleObjectFraming().writer_schema(header)
    assert refused.value.error_class is error_class
