"""The page follows from the measured figures; the arithmetic is right where it is easy."""

import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scaling import __main__, figures
from benchmarks.scaling.figures import SOURCES, Figures, load, with_given
from benchmarks.scaling.measure import measured
from benchmarks.scaling.page import PAGE, render
from benchmarks.scaling.plan import Load, plan, recovery_s
from benchmarks.scaling.simulate import kill_workers, rolling_restart_s

SIMPLE = Figures(
    cpu_us_a_tick=10.0,
    replay_us_a_tick=5.0,
    snapshot_bytes_an_asset=1_000.0,
    encode_us_an_asset=10.0,
    decode_us_an_asset=10.0,
    memory_bytes_an_asset=2_000.0,
    tick_bytes=50.0,
    result_bytes=200.0,
    journal_bytes=100.0,
    start_s=3.0,
    stop_s=1.0,
)
# 600 000 ticks/s of 10 µs are six cores: ten workers at 60 %, forty partitions.
LOAD = Load(assets=64_000, ticks_per_s=600_000.0)


def test_the_page_is_what_the_figures_give() -> None:
    page = PAGE.read_text("utf-8")
    assert render(page, load()) == page, "run python -m benchmarks.scaling --write"


def test_every_figure_names_where_it_was_measured() -> None:
    assert set(SOURCES) == {one.name for one in fields(Figures)}
    assert all(getattr(load(), name) > 0 for name in SOURCES)


def test_a_load_by_hand() -> None:
    needed = plan(LOAD, SIMPLE)
    assert (needed.workers, needed.partitions) == (10, 40)
    assert needed.memory_bytes == 6_400 * 2_000
    assert needed.transactions_per_s == 10 * 40
    assert needed.bytes_in_per_s == 30e6
    assert needed.journal_bytes_per_s == 40 * 40 * 100
    assert needed.bytes_out_per_s == 3 * (120e6 + 160_000)
    # Every one of the 1000 chunks changes in ten seconds; a manifest for each partition.
    assert needed.puts_per_s == pytest.approx(100 + 4)
    assert needed.usd_per_month == pytest.approx(104 * 2.592 * 5.0)
    # One partition: 1600 assets of 10 µs, 15 000 ticks/s for 5 s of 5 µs, on 40 % of a core.
    assert needed.takeover_s == pytest.approx(6.0 + (0.016 + 0.375) / 0.4)
    assert needed.restart_s == pytest.approx(3.0 + 4 * (0.016 + 0.375))


def test_a_quiet_load_writes_only_what_changed_and_keeps_two_workers() -> None:
    quiet = replace(LOAD, ticks_per_s=1.0)
    needed = plan(quiet, SIMPLE)
    assert needed.workers == 2
    assert needed.chunks_per_s == pytest.approx(1.0, rel=0.01)


def test_longer_intervals_cost_fewer_requests_and_longer_recoveries() -> None:
    short, long = (plan(replace(LOAD, snapshot_interval_s=s), SIMPLE) for s in (10.0, 100.0))
    assert long.puts_per_s < short.puts_per_s / 9
    assert long.takeover_s > short.takeover_s


def test_the_simulation_agrees_with_the_arithmetic_on_average_and_with_itself() -> None:
    out = kill_workers(LOAD, SIMPLE, killed=1, trials=400, seed=1)
    assert out.moved_share == pytest.approx(0.1)
    # Four orphans of ten: four different heirs, so nobody waits for another.
    assert out.silence_s.mean() == pytest.approx(plan(LOAD, SIMPLE).takeover_s, rel=0.03)
    most_s = 6.0 + recovery_s(LOAD, SIMPLE, 40, 10.0, moved=1)
    assert out.silence_s.min() > 6.0 and out.silence_s.max() <= most_s
    again = kill_workers(LOAD, SIMPLE, killed=1, trials=400, seed=1)
    assert np.array_equal(out.silence_s, again.silence_s)
    many = kill_workers(LOAD, SIMPLE, killed=8, trials=50, seed=1)
    # 32 orphans for two heirs: the last of them waits for fifteen others.
    assert many.silence_s.max() > 10 * (out.silence_s.max() - 6.0)


def test_a_rolling_restart_takes_each_worker_in_turn() -> None:
    whole_s, silent_s = rolling_restart_s(LOAD, SIMPLE)
    assert silent_s == pytest.approx(1.0 + 3.0 + 6_400 * 10e-6)
    assert whole_s == pytest.approx(10 * silent_s)


def test_what_is_measured_here_replaces_what_was_and_leaves_the_rest() -> None:
    now = measured(SIMPLE)
    assert (now.start_s, now.cpu_us_a_tick) == (SIMPLE.start_s, SIMPLE.cpu_us_a_tick)
    assert now.snapshot_bytes_an_asset > 1_000
    assert 40 < now.tick_bytes < 200 < now.result_bytes < 1_000
    assert now.replay_us_a_tick > 0.1


def test_figures_measured_elsewhere_are_taken_or_refused_by_name() -> None:
    now = with_given(SIMPLE, ["cpu_us_a_tick=12.5", "stop_s=1"])
    assert now == replace(SIMPLE, cpu_us_a_tick=12.5, stop_s=1.0)
    for wrong, message in (
        ("cpu=1", "cpu is no figure: use one of cpu_us_a_tick"),
        ("stop_s=soon", "stop_s=soon: give a number above 0"),
        ("stop_s=nan", "above 0"),
        ("stop_s=-1", "above 0"),
    ):
        with pytest.raises(ValueError, match=message):
            with_given(SIMPLE, [wrong])


def test_one_command_writes_figures_and_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "scaling.md"
    page.write_text(PAGE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(__main__, "PAGE", page)
    monkeypatch.setattr(figures, "FIGURES", tmp_path / "scaling.json")
    figures.save(SIMPLE)
    monkeypatch.setattr(sys, "argv", ["scaling", "--set", "cpu_us_a_tick=12.5"])
    __main__.main()
    assert "| `cpu_us_a_tick` | 12.5 |" in capsys.readouterr().out
    assert figures.load() == SIMPLE, "only --write keeps them"
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--write"])
    __main__.main()
    assert figures.load() == replace(SIMPLE, cpu_us_a_tick=12.5)
    assert page.read_text("utf-8") == render(PAGE.read_text("utf-8"), figures.load())
