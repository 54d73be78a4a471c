"""Whatever is wrong with whichever key: one line that names it, exit code 2, nothing started."""

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import pytest
from click.testing import CliRunner

from core import PredictorConfig
from ops.cli import main
from ops.settings import HttpSettings, LogSettings, TracesSettings, load_settings
from snapshots import StoreOptions
from workers.batching.shedding import SheddingPolicy
from workers.config import Topics, WorkerConfig
from workers.errors import ConfigurationError

_NEEDED: Final = {"bootstrap_servers": '"broker:9092"', "snapshot_url": '"file:///snapshots"'}
_TABLES: Final[Mapping[str, type]] = {
    "": WorkerConfig,
    "topics": Topics,
    "predictor": PredictorConfig,
    "shedding": SheddingPolicy,
    "store_options": StoreOptions,
    "http": HttpSettings,
    "log": LogSettings,
    "traces": TracesSettings,
}
# In TOML, and as a variable has them. What is right for a text is up to brokers and stores.
_WRONG_NUMBER: Final = ('"soon"', "true", "[1]", "{a = 1}", "-1", "1e30", "nan", "inf")
_WRONG_TEXT: Final = ("7", "true", "[1]", "{a = 1}")
_WRONG_CHOICE: Final = (*_WRONG_TEXT, '"nonsense"')
_WRONG_SWITCH: Final = ('"perhaps"', "7", "[1]", "{a = 1}")
_WRONG_TABLE: Final = ("7", '"text"', "[1]")
_ALSO_WRONG: Final = {
    "bootstrap_servers": ('""',),
    "group_id": ('""',),
    "worker_id": ('""',),
    "snapshot_url": ('""', '"s3://"', '"/var/snapshots"', '"https://bucket"'),
    "schema_registry_url": ('""', '"registry:8081"'),
    "store_options.endpoint_url": ('"store:9000"',),
    "http.host": ('""',),
} | {f"topics.{one.name}": ('""', '"a b"', '"."') for one in dataclasses.fields(Topics)}


def _keys() -> Iterator[tuple[str, Any]]:
    for table, model in _TABLES.items():
        for name, hint in get_type_hints(model).items():
            if name != "model_config":
                yield (f"{table}.{name}" if table else name), hint


KEYS: Final = dict(_keys())


def _wrong(key: str) -> list[str]:
    hint = KEYS[key]
    options = {hint, *get_args(hint)}
    found: tuple[str, ...]
    if dataclasses.is_dataclass(hint) or get_origin(hint) is Mapping:
        found = _WRONG_TABLE
    elif bool in options:
        found = _WRONG_SWITCH
    elif {int, float} & options:
        found = _WRONG_NUMBER
    elif get_origin(hint) is Literal or issubclass(hint if isinstance(hint, type) else str, Enum):
        found = _WRONG_CHOICE
    else:
        found = _WRONG_TEXT
    return [*found, *_ALSO_WRONG.get(key, ())]


def _file(folder: Path, key: str, value: str) -> Path:
    table, _, name = key.rpartition(".")
    top = {**_NEEDED, **({} if table else {name: value})}
    lines = [f"{one} = {text}" for one, text in top.items()]
    path = folder / "fleet.toml"
    path.write_text("\n".join([*lines, *([f"[{table}]", f"{name} = {value}"] if table else [])]))
    return path


@pytest.mark.parametrize("key", KEYS)
def test_a_wrong_value_in_a_file(key: str, tmp_path: Path) -> None:
    for value in _wrong(key):
        path = _file(tmp_path, key, value)
        ran = CliRunner().invoke(main, ["worker", "--config", str(path)])
        assert ran.exit_code == 2, (value, ran.output, ran.exception)
        assert ran.stderr.startswith("error: ") and ran.stderr.count("\n") == 1, ran.stderr
        assert key.rpartition(".")[2] in ran.stderr, (value, ran.stderr)


@pytest.mark.parametrize("key", KEYS)
def test_a_wrong_value_in_the_environment(key: str) -> None:
    needed = {f"TICKFLEET_{name.upper()}": value.strip('"') for name, value in _NEEDED.items()}
    variable = "TICKFLEET_" + key.upper().replace(".", "__")
    # A variable is always a text: what is wrong there is wrong as a text.
    texts = {one.strip('"') for one in _wrong(key) if one[0] in '"-1ni'}
    for value in texts - {"true"}:
        with pytest.raises(ConfigurationError) as caught:
            load_settings(None, environment={**needed, variable: value})
        assert key.rpartition(".")[2] in str(caught.value), value


@pytest.mark.parametrize("table", _TABLES)
def test_an_unknown_key_is_refused_with_the_nearest_known(table: str, tmp_path: Path) -> None:
    near = next(key for key in KEYS if key.rpartition(".")[0] == table and len(key) > 5)
    path = _file(tmp_path, near + "x", "1")
    ran = CliRunner().invoke(main, ["worker", "--config", str(path)])
    name = near.rpartition(".")[2]
    assert ran.exit_code == 2
    assert f"{near}x is unknown: did you mean {name}?" in ran.stderr


def test_two_topics_of_one_name_would_feed_the_fleet_its_own_results(tmp_path: Path) -> None:
    path = _file(tmp_path, "topics.predictions", '"ticks"')
    ran = CliRunner().invoke(main, ["worker", "--config", str(path)])
    assert ran.exit_code == 2
    assert "topics.predictions have one name" in ran.stderr
