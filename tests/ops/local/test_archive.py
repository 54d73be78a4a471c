"""The archive of a broker's classes is made once, and left out where the JVM makes none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ops.local import LocalKafka, archive
from ops.local.archive import archive_options
from ops.local.artifacts import kafka_home


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of jars, in an empty cache."""
    monkeypatch.setenv("TICKFLEET_CACHE_DIR", str(tmp_path))
    folder = kafka_home() / "jars"
    folder.mkdir(parents=True)
    (folder / "complete").write_text("pins", "utf-8")
    return folder


def _records(content: bytes | None, calls: list[str]) -> Callable[[str, Path], None]:
    def record(option: str, _folder: Path) -> None:
        name, _, path = option.partition("=")
        calls.append(name)
        if content is not None:
            Path(path).write_bytes(content)

    return record


def test_it_is_made_once_for_these_jars_and_this_jvm(
    jars: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    (first,) = archive_options(jars, _records(b"classes", calls))
    assert archive_options(jars, _records(b"others", calls)) == (first,)
    assert calls == ["-XX:AOTCacheOutput"]
    assert Path(first.removeprefix("-XX:AOTCache=")).read_bytes() == b"classes"
    monkeypatch.setattr(archive, "version", lambda _: "99")
    (other,) = archive_options(jars, _records(b"others", calls))
    (jars / "complete").write_text("other pins", "utf-8")
    (third,) = archive_options(jars, _records(b"others", calls))
    assert len({first, other, third}) == 3


def test_a_jvm_that_makes_none_is_asked_once(jars: Path) -> None:
    calls: list[str] = []
    assert archive_options(jars, _records(None, calls)) == ()
    assert archive_options(jars, _records(None, calls)) == ()
    assert len(calls) == 1


@pytest.mark.kafka
def test_a_broker_maps_it_unless_told_to_run_fast(tmp_path: Path) -> None:
    with LocalKafka(tmp_path) as broker:
        maps = Path(f"/proc/{broker.pid}/maps").read_text("utf-8")
    assert str(kafka_home()) in maps
    assert ".aot" in maps
    # Whoever measures gets the JVM as an operator starts it.
    assert not any("AOT" in word for word in LocalKafka(tmp_path, java_options=())._command())
