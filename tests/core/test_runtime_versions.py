"""What a result's bits depend on besides configuration and ticks."""

import platform

import pytest

from core import runtime_versions


def test_another_kind_of_processor_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    here = runtime_versions("float64")
    monkeypatch.setattr(platform, "machine", lambda: "another")
    assert runtime_versions("float64").items() - here.items() == {("processor", "another")}
