"""Records are shown as strict JSON, and as lines that a person can read."""

import json

import pytest

from ops.records import Record, as_json, as_text


def _record(kind: str, value: dict[str, object] | None, problem: str | None = None) -> Record:
    return Record("t", 3, 1200, 1_700_000_000_000, "BTC", kind, value, problem)


def test_json_is_strict_and_complete() -> None:
    value: dict[str, object] = {
        "nan": float("nan"),
        "infinite": float("inf"),
        "x": 1.5,
        "raw": b"\xff\x00",
        "nested": [{"deep": float("-inf")}, None, True],
    }
    line = as_json(_record("Any", value))
    shown = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert "\n" not in line
    assert (shown["topic"], shown["partition"], shown["offset"]) == ("t", 3, 1200)
    assert shown["value"] == {
        "nan": None,
        "infinite": None,
        "x": 1.5,
        "raw": {"base64": "/wA="},
        "nested": [{"deep": None}, None, True],
    }


def test_a_prediction_shows_what_matters_and_the_raised_flags() -> None:
    value: dict[str, object] = {
        "timestamp_ns": 1_700_000_000_123_456_789,
        "predicted_price": 100.123456789,
        "holder_exponent": 0.5,
        "emergency_mode": True,
        "warming_up": False,
    }
    text = as_text(_record("PredictionResult", value)).plain
    assert text.startswith("t[3]@1200")
    for part in ("BTC", "predicted_price=100.12346", "2023-11-14T22:13:20.123Z", "emergency_mode"):
        assert part in text
    assert "warming_up" not in text
    assert "holder_exponent" not in text


def test_an_unknown_kind_shows_all_its_fields() -> None:
    text = as_text(_record("Foreign", {"a": 1, "b": "two"})).plain
    assert "a=1" in text
    assert "b=two" in text


def test_an_undecodable_record_shows_why() -> None:
    record = _record("", None, "tombstone: no value")
    assert "tombstone" in as_text(record).plain
    assert json.loads(as_json(record))["problem"] == "tombstone: no value"
