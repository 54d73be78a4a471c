"""Kept executables: the same bits without tracing, and nothing that does not fit is ever taken."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import jax
import numpy as np
import pytest

import core
from core import (
    INPUT_ROWS,
    NETWORK_ROWS,
    TILE_WIDTH,
    LoneRun,
    PredictorConfig,
    compiled,
    init_tile,
    keep_in,
    kept_in,
    run_is_kept,
)
from ops import executable_files
from ops.executable_files import ExecutableFiles

FACTS = {"program": "step", "config": "0123"}


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ExecutableFiles]:
    """A folder of its own that executables are looked for in."""
    before, own = kept_in(), ExecutableFiles(tmp_path / "executables")
    keep_in(own)
    yield own
    keep_in(before)


def _forbidden(*_: object) -> NoReturn:
    raise AssertionError("it was traced")


def test_a_trainer_from_a_file_gives_the_same_bits_without_being_traced(
    files: ExecutableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, config = np.random.default_rng(1), PredictorConfig()
    made = compiled.Trainer(config, "float64", compiled.TRAIN_WIDTH)
    [kept] = files.folder.iterdir()
    blocks = rng.standard_normal((20, made.block.stop - made.block.start))
    networks = rng.standard_normal((20, NETWORK_ROWS))
    monkeypatch.setattr(compiled, "trace_training", _forbidden)
    again = compiled.Trainer(config, "float64", compiled.TRAIN_WIDTH)
    assert again(blocks, networks).tobytes() == made(blocks, networks).tobytes()
    with pytest.raises(AssertionError, match="traced"):
        compiled.Trainer(dataclasses.replace(config, dgm_every=8), "float64", 8)
    with pytest.raises(AssertionError, match="traced"):
        compiled.Trainer(config, "float32", compiled.TRAIN_WIDTH)
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(AssertionError, match="traced"):
        compiled.Trainer(config, "float64", compiled.TRAIN_WIDTH)


def test_the_kept_step_gives_the_bits_of_one_that_is_compiled_by_jax() -> None:
    config = PredictorConfig()
    kept = compiled.TileStep(config, "float64", TILE_WIDTH)
    before = kept_in()
    keep_in(None)
    by_jax = compiled.TileStep(config, "float64", TILE_WIDTH)
    keep_in(before)
    rng, tiles = np.random.default_rng(2), []
    ticks = [np.abs(rng.standard_normal((INPUT_ROWS, TILE_WIDTH))) for _ in range(20)]
    for step in (kept, by_jax):
        tile: Any = init_tile(config, "float64")
        for tick in ticks:
            tile, _ = step(jax.device_put(tile), tick)
        tiles.append(np.asarray(tile).tobytes())
    assert tiles[0] == tiles[1]


def test_other_facts_another_source_and_another_processor_find_nothing(
    files: ExecutableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.save(FACTS, b"code")
    assert files.load(FACTS) == b"code"
    assert files.load({**FACTS, "config": "4567"}) is None
    for name, another in (("_SOURCE", "another"), ("_processor", lambda: "another")):
        with monkeypatch.context() as patch:
            patch.setattr(executable_files, name, another)
            assert files.load(FACTS) is None
    assert files.load(FACTS) == b"code"


def test_a_source_file_that_changes_changes_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "step.py").write_text("A = 1\n")
    monkeypatch.setattr(core, "__file__", str(tmp_path / "__init__.py"))
    digest: Callable[[], str] = executable_files._source_digest
    before = digest()
    (tmp_path / "step.py").write_text("A = 2\n")
    assert digest() != before


def test_a_release_installed_under_a_running_process_is_not_given_its_programs(
    files: ExecutableFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "__init__.py").write_text("A = 2\n")
    monkeypatch.setattr(core, "__file__", str(tmp_path / "__init__.py"))
    files.save(FACTS, b"code of the release that was imported")
    [kept] = files.folder.iterdir()
    monkeypatch.setattr(executable_files, "_SOURCE", executable_files._source_digest())
    assert files.load(FACTS) is None
    assert kept.exists()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    blocked = ExecutableFiles(tmp_path / "file" / "executables")
    blocked.save(FACTS, b"code")
    assert blocked.load(FACTS) is None


def test_files_longest_unused_go_first(
    files: ExecutableFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executable_files, "_MOST_FILES", 3)
    numbered = [{**FACTS, "number": str(number)} for number in range(4)]
    for facts in numbered[:3]:
        files.save(facts, b"code")
    assert files.load(numbered[0]) == b"code"
    files.save(numbered[3], b"code")
    assert [files.load(facts) is not None for facts in numbered] == [True, False, True, True]


def test_a_run_is_kept_once_it_was_compiled(files: ExecutableFiles) -> None:
    config = PredictorConfig()
    assert not run_is_kept(config, "float32")
    LoneRun(config, "float32")
    assert run_is_kept(config, "float32")
    assert not run_is_kept(config, "float64")
    assert not run_is_kept(dataclasses.replace(config, dgm_every=8), "float32")
