"""Where downloads and executables are kept: also for a user who has no home."""

import pwd
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ops.compile_cache import keep_executables
from ops.local.cache import cache_dir
from ops.local.errors import NoCacheError


@pytest.fixture(autouse=True)
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under any number: without HOME, unknown to the machine."""

    def unknown(_uid: int) -> None:
        raise KeyError

    for name in ("HOME", "XDG_CACHE_HOME", "TICKFLEET_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.mark.parametrize(
    ("variable", "within"), [("TICKFLEET_CACHE_DIR", ""), ("XDG_CACHE_HOME", "tickfleet")]
)
def test_no_home_is_asked_for_where_a_place_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, within: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "there"))
    assert cache_dir() == tmp_path / "there" / within
    assert cache_dir().is_dir()


def test_without_any_the_variable_is_named() -> None:
    with pytest.raises(NoCacheError, match="set TICKFLEET_CACHE_DIR"):
        cache_dir()


def test_a_worker_without_any_goes_on_and_says_that_nothing_is_kept() -> None:
    with capture_logs() as lines:
        keep_executables()
    [line] = lines
    assert line["event"] == "compile_cache_off"
    assert "TICKFLEET_CACHE_DIR" in line["reason"]
