"""Avro files read as the others do, and a bad one is refused by its row."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fastavro
import pytest

from schemas.contracts import contract
from tests.kafka.feed import random_ticks
from tests.workers.replay.files.test_bad_files import rows
from tests.workers.replay.tables import as_table, write_ticks
from workers.replay import (
    BadTicksError,
    FileSource,
    Layout,
    NoRoomError,
    Repeats,
    ReplayError,
    TimeUnit,
    export_ticks,
)

_FIELDS: dict[str, Any] = {"asset_id": "string", "price": "double", "timestamp_ns": "long"}


def write(path: Path, records: list[dict[str, Any]], **fields: Any) -> Path:
    """A file whose record has the usual fields, or others."""
    schema = {
        "type": "record",
        "name": "Trade",
        "fields": [{"name": n, "type": kind} for n, kind in (_FIELDS | fields).items()],
    }
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema(schema), records, "deflate", sync_interval=500)
    return path


def ticks(count: int) -> list[dict[str, Any]]:
    return [{"asset_id": f"A{i % 3}", "price": 1.0 + i, "timestamp_ns": i} for i in range(count)]


def test_an_exported_file_is_what_the_other_was(tmp_path: Path) -> None:
    source = FileSource(
        write_ticks(tmp_path / "t.parquet", as_table(random_ticks(70_000, 9, seed=4))), Layout()
    )
    assert export_ticks(source, tmp_path / "t.avro") == (70_000, 0)
    assert rows(tmp_path / "t.avro") == rows(tmp_path / "t.parquet")
    with (tmp_path / "t.avro").open("rb") as file:
        written: Any = fastavro.reader(file).writer_schema
    assert written["name"] == contract("Tick").parsed["name"]


@pytest.mark.parametrize("name", ["t.avro", "t.parquet"])
def test_a_file_that_cannot_be_exported_is_told(tmp_path: Path, name: str) -> None:
    file = as_table(random_ticks(70_000, 9, seed=4))
    source = FileSource(write_ticks(tmp_path / "ticks.parquet", file), Layout())
    (tmp_path / f"{name}.unfinished").symlink_to("/dev/full")
    with pytest.raises(NoRoomError, match=f"{name}: there is no room left .*, then run it again$"):
        export_ticks(source, tmp_path / name)
    with pytest.raises(ReplayError, match=f"{name} cannot be written .*: choose another place"):
        export_ticks(source, tmp_path / "ticks.parquet" / name)
    assert [path.name for path in tmp_path.iterdir()] == ["ticks.parquet"]


def test_logical_times_and_other_fields(tmp_path: Path) -> None:
    begin = datetime(2013, 9, 1, tzinfo=UTC)
    records = [
        {"asset_id": "A", "price": 1.5, "timestamp_ns": begin + timedelta(milliseconds=i), "n": i}
        for i in range(3)
    ]
    stamp = {"type": "long", "logicalType": "timestamp-millis"}
    path = write(tmp_path / "t.avro", records, timestamp_ns=stamp, n="int")
    ns = 1_377_993_600_000_000_000
    assert [row[3] for row in rows(path)] == [ns, ns + 1_000_000, ns + 2_000_000]


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize(
    ("logical", "hours"), [("timestamp-nanos", 0), ("local-timestamp-nanos", 9)]
)
def test_times_of_nanoseconds_are_of_their_zone(
    tmp_path: Path, logical: str, hours: int, *, optional: bool
) -> None:
    ns = 1_377_993_600_123_456_789
    kind: Any = {"type": "long", "logicalType": logical}
    record = {"asset_id": "A", "price": 1.5, "timestamp_ns": ns}
    path = write(tmp_path / "t.avro", [record], timestamp_ns=["null", kind] if optional else kind)
    for unit in ("ns", "ms"):  # the type says its own
        read = rows(path, Layout(time_zone="Asia/Tokyo", time_unit=TimeUnit(unit)))
        assert [row[3] for row in read] == [ns - hours * 3_600_000_000_000]


@pytest.mark.parametrize("logical", ["timestamp-millis", "local-timestamp-micros"])
def test_a_time_in_another_unit_than_its_type_says(tmp_path: Path, logical: str) -> None:
    kind = {"type": "long", "logicalType": logical}
    records = ticks(1) * 30 + [ticks(1)[0] | {"timestamp_ns": 1_377_993_600_123_456_789}]
    path = write(tmp_path / "t.avro", records, timestamp_ns=kind)
    with pytest.raises(BadTicksError, match=r"row 31: a time .* year 9999 .* --time-unit us \(in"):
        rows(path, Layout(repeats=Repeats.KEEP))


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    path = write(tmp_path / "t.avro", ticks(2_000))
    whole = path.read_bytes()
    for cut in (len(whole) - 5, len(whole) // 2, len(whole) // 3):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadTicksError, match=r"t\.avro: row \d+: .* copy or write it again"):
            rows(path)
    path.write_bytes(whole[: len(whole) // 2] + bytes(9) + whole[len(whole) // 2 + 9 :])
    with pytest.raises(BadTicksError, match=r"t\.avro: row \d+: the data is damaged"):
        rows(path)


def test_what_else_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "t.avro"
    path.write_text("no Avro")
    with pytest.raises(BadTicksError, match="is no Avro container file"):
        rows(path)
    records = ticks(50)
    records[30]["price"] = "n/a"
    write(path, records, price=["double", "string"])
    with pytest.raises(BadTicksError, match=r"row 31: price is 'n/a', of another type than 1\.0"):
        rows(path)
    records[30]["price"] = None
    write(path, records, price=["double", "null"])
    with pytest.raises(BadTicksError, match="row 31: price is empty"):
        rows(path)
    with pytest.raises(BadTicksError, match="no column last; it has asset_id, price"):
        rows(path, Layout(columns={"price": "last"}))
    with path.open("wb") as file:
        fastavro.writer(file, fastavro.parse_schema("long"), [1, 2])
    with pytest.raises(BadTicksError, match="holds no records"):
        rows(path)
