"""The jar cache: pins are enforced, failures are explained, concurrent fills are safe."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from ops.local import artifacts
from ops.local.artifacts import Pin, kafka_home, kafka_jars, read_pins
from ops.local.errors import ArtifactError

_LOCK = Path(artifacts.__file__).with_name("kafka.lock")


class _FakeMaven:
    """Stands for jgo's MavenContext and its chained look-ups; serves fixed bytes."""

    def __init__(self, repository: Path, content: bytes) -> None:
        self.file = repository / "served.jar"
        self.file.write_bytes(content)

    def project(self, *_: str) -> "_FakeMaven":
        return self

    at_version = artifact = project

    def resolve(self) -> Path:
        return self.file


@pytest.fixture
def one_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """A lock file of one jar, in an empty cache."""
    pin = Pin("g", "kafka", "1", hashlib.sha256(b"jar").hexdigest())
    monkeypatch.setenv("TICKFLEET_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(artifacts, "read_pins", lambda _: [pin])
    return pin


def _serve(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(artifacts, "_maven", lambda path: _FakeMaven(Path(path), content))


def test_the_lock_file_pins_kafka_and_only_whole_digests() -> None:
    pins = read_pins(_LOCK.read_text("utf-8"))
    assert any((p.artifact, p.version) == ("kafka_2.13", artifacts.KAFKA_VERSION) for p in pins)
    assert all(len(bytes.fromhex(pin.sha256)) == 32 for pin in pins)
    assert len({pin.filename for pin in pins}) == len(pins)


def test_a_jar_is_fetched_once_and_kept(one_pin: Pin, monkeypatch: pytest.MonkeyPatch) -> None:
    _serve(monkeypatch, b"jar")
    assert (kafka_jars() / one_pin.filename).read_bytes() == b"jar"
    monkeypatch.setattr(artifacts, "_maven", lambda _: pytest.fail("fetched twice"))
    kafka_jars()


def test_other_bytes_are_refused_and_not_kept(
    one_pin: Pin, monkeypatch: pytest.MonkeyPatch
) -> None:
    _serve(monkeypatch, b"ja")
    with pytest.raises(ArtifactError, match=r"kafka-1\.jar has SHA-256"):
        kafka_jars()
    assert not (kafka_home() / "jars" / one_pin.filename).exists()
    _serve(monkeypatch, b"jar")
    assert (kafka_jars() / one_pin.filename).read_bytes() == b"jar"


@pytest.mark.usefixtures("one_pin")
def test_being_offline_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(_: str) -> Any:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(artifacts, "_maven", offline)
    with pytest.raises(ArtifactError, match="Go online once"):
        kafka_jars()
