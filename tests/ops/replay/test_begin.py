"""Which states `newest` and `oldest` mean, at first and when an interrupted run goes on."""

from pathlib import Path

import pytest

from core import PredictorConfig
from ops.replay import begin_named
from snapshots import SnapshotScope, SnapshotWriter, current_header, list_snapshots, open_store
from tests.snapshots.builders import make_image
from workers import WorkerConfig
from workers.replay import Begin, ReplayError


def offsets(begin: Begin) -> dict[int, int]:
    return {number: image.offset for number, image in begin.images.items()}


def test_a_run_that_goes_on_begins_where_it_began_though_the_fleet_went_on(tmp_path: Path) -> None:
    config = WorkerConfig("localhost:1", "group", "w-0", (tmp_path / "snapshots").as_uri())
    store, header = open_store(config.snapshot_url), current_header(PredictorConfig(), "float64")
    scopes = [SnapshotScope("group", "ticks", number) for number in (0, 1)]

    def snapshot(offset: int) -> None:
        writer = SnapshotWriter(store, header)
        for scope in scopes:
            image = make_image(2, offset=offset, header=header)
            writer.submit(scope, image).result()
        assert writer.close(10.0)

    snapshot(100)
    first = begin_named(config, "newest", topic="ticks")
    snapshot(200)
    assert offsets(begin_named(config, "newest", topic="ticks")) == {0: 200, 1: 200}
    again = begin_named(config, "newest", topic="ticks", before=first.name)
    assert (again.name, offsets(again)) == (first.name, {0: 100, 1: 100})
    assert offsets(begin_named(config, "oldest", topic="ticks")) == {0: 100, 1: 100}
    goes_on = begin_named(config, "200", topic="ticks")
    assert begin_named(config, "oldest", topic="ticks", before=goes_on.name).name == goes_on.name
    named = begin_named(config, "200", topic="ticks", before=first.name)
    assert offsets(named) == {0: 200, 1: 200}
    store.delete(scopes[1].manifest_key(list_snapshots(store, scopes[1])[1]))
    with pytest.raises(ReplayError, match=r"no longer has the snapshots .* of partition 1: begin"):
        begin_named(config, "newest", topic="ticks", before=first.name)
