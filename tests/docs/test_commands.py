"""Every command that a page shows can be typed as it stands, and a named test runs it."""

import ast
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import click
import pytest

from tests.docs.pages import PAGES, ROOT, commands
from tests.ops.cli.parsing import parse

SHOWN: Final = commands()

# Which test runs a command with the options that pages show. What is compared is the module's
# texts: it must name the command and each option.
RUN_BY: Final = {
    "backtest": (
        "tests/kafka/test_backtest.py::test_the_command_verifies_in_two_processes_as_one_does_and_its_exit_code_tells",
        "tests/kafka/test_backtest.py::test_a_range_at_event_time_is_what_live_answers_there",
        "tests/ops/cli/test_backtest.py::test_the_commands_of_the_page_run",
        "tests/ops/cli/test_backtest.py::test_a_run_goes_on_from_another",
        "tests/ops/cli/test_backtest.py::test_every_layout_of_the_page_is_read",
        "tests/kafka/test_publish.py::test_two_processes_over_a_topic_publish_and_write_what_one_does",
    ),
    "compare": ("tests/ops/cli/test_backtest.py::test_the_commands_of_the_page_run",),
    "consume": ("tests/ops/cli/test_fleet.py::test_ticks_in_results_out",),
    "demo": ("tests/ops/demo/test_demo.py::test_the_demonstration_ends_with_a_sound_audit",),
    "doctor": ("tests/ops/cli/test_operate.py::test_a_running_fleet_is_seen_from_outside",),
    "export": (
        "tests/kafka/test_backtest.py::test_a_range_at_event_time_is_what_live_answers_there",
    ),
    "local": ("tests/ops/local/test_stack.py::test_up_is_idempotent_and_down_ends_every_process",),
    "produce": (
        "tests/ops/cli/test_fleet.py::test_ticks_in_results_out",
        "tests/kafka/test_backtest.py::test_a_topic_exported_and_sent_again_has_the_same_records",
    ),
    "replay-dead-letters": (
        "tests/ops/cli/test_disasters.py::test_dead_letters_are_sent_again_once",
    ),
    "report": ("tests/ops/cli/test_backtest.py::test_a_report_without_room_is_made_later",),
    "snapshot copy": (
        "tests/ops/cli/test_disasters.py::test_a_new_cluster_goes_on_from_the_store_alone",
    ),
    "snapshot dumps": ("tests/ops/cli/test_operate.py::test_a_running_fleet_is_seen_from_outside",),
    "snapshot gc": (
        "tests/ops/cli/test_disasters.py::test_garbage_goes_and_what_the_commit_names_stays",
    ),
    "snapshot ls": (
        "tests/ops/cli/test_operate.py::test_going_back_to_an_older_snapshot_answers_nothing_twice",
    ),
    "snapshot restore": (
        "tests/ops/cli/test_operate.py::test_going_back_to_an_older_snapshot_answers_nothing_twice",
    ),
    "snapshot verify": (
        "tests/ops/cli/test_disasters.py::test_doctor_names_damage_and_other_settings",
    ),
    "tail": (
        "tests/ops/cli/test_operate.py::test_a_running_fleet_is_seen_from_outside",
        "tests/ops/cli/test_disasters.py::test_dead_letters_are_sent_again_once",
    ),
    "top": ("tests/ops/cli/test_operate.py::test_a_running_fleet_is_seen_from_outside",),
    "topics create": ("tests/ops/cli/test_fleet.py::test_ticks_in_results_out",),
    "tune": (
        "tests/ops/cli/test_tune.py::test_the_commands_of_the_page_run",
        "tests/kafka/test_tune.py::test_a_range_of_a_topic_is_searched_as_a_file_of_it_is",
    ),
    # Served to a browser by tests/ops/web/test_live.py; here the command's own part.
    "web": ("tests/ops/web/test_command.py::test_listening_beyond_this_machine_must_be_meant",),
    "worker": (
        "tests/ops/cli/test_fleet.py::test_ticks_in_results_out",
        "tests/ops/cli/test_main.py::test_print_config_masks_and_does_not_start",
    ),
}

# What no test can run as it stands, and what is tested in its place.
ELSEWHERE: Final = {
    "docker": "needs a daemon; tests/deploy/test_container.py runs the image's own steps",
    "kubectl": "needs a cluster; tests/deploy/test_kubernetes.py renders what would be sent",
    "mvn": "tests/examples/test_subscriber_java.py runs with the same two versions, pinned",
    "java": "tests/examples/test_subscriber_java.py runs the file with these options",
    "promtool": "tests/ops/monitoring/test_monitoring.py runs it where it is installed",
    "pip": "tests/deploy/test_container.py installs; here the names of extras are compared",
    "python": "benchmarks and generators: the module, and its options, are looked up here",
    "make": "dry-run here; .ci/run runs venv, lint, types and test",
}

SHORT: Final = {"-c": "--config", "-p": "--partition", "-h": "--help"}


def _of(*programs: str) -> list[str]:
    """Commands of some programs; `VARIABLE=value` may stand before one."""
    found = {line for _, line in SHOWN if _program(line) in programs}
    assert found, programs
    return sorted(found)


def _program(line: str) -> str:
    words = [word for word in line.split() if not re.match(r"[A-Z_]+=|export$", word)]
    return words[0]


def _tickfleet() -> list[str]:
    """Ours, also where another program is told to run it."""
    inner = [line.partition("-- ")[2] for line in _of("kubectl") if "-- tickfleet" in line]
    ours = [re.sub(r"^(?:[A-Z_]+=\S* )+", "", line) for line in _of("tickfleet")]
    return sorted({*ours, *inner})


def test_no_program_is_shown_that_nobody_looks_after() -> None:
    assert {_program(line) for _, line in SHOWN} == {"tickfleet", *ELSEWHERE}
    assert len(SHOWN) > 100


@pytest.fixture
def among_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files and folders that commands name are there."""
    monkeypatch.chdir(tmp_path)
    for name in ("fleet.toml", "old.toml", "new.toml", "ticks.csv", "ticks.parquet"):
        (tmp_path / name).touch()
    for name in ("trades.csv", "es.csv", "quotes.csv"):
        (tmp_path / name).touch()
    for name in ("later.parquet", "space.toml", "tuned/tuned.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in "abc":
        (tmp_path / "runs" / name).mkdir(parents=True)


@pytest.mark.usefixtures("among_files")
@pytest.mark.parametrize("line", _tickfleet())
def test_the_command_line_takes_it(line: str) -> None:
    typed = line.removeprefix("tickfleet ").replace("/etc/tickfleet/", "")
    if typed not in RUN_BY:
        parse(typed)
        return
    # Only named: what it needs beside its name is not shown.
    with suppress(click.exceptions.Exit):
        parse(f"{typed} --help")


@pytest.mark.parametrize("line", _tickfleet())
def test_a_named_test_runs_it(line: str) -> None:
    words = [SHORT.get(word, word) for word in shlex.split(line)[1:]]
    name = " ".join(words[:2]) if " ".join(words[:2]) in RUN_BY else words[0]
    texts = set().union(*(_texts(test.partition("::")[0]) for test in RUN_BY[name]))
    options = [word for word in words if word.startswith("--")]
    # `local` has its own commands, all run by one test.
    wanted = words[:2] if name == "local" else name.split()
    assert {*wanted, *options} <= texts


@pytest.mark.parametrize("test", sorted({test for tests in RUN_BY.values() for test in tests}))
def test_the_named_test_is_there(test: str) -> None:
    path, _, function = test.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert function in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}


@cache
def _texts(path: str) -> frozenset[str]:
    """The words of a module's texts; short options as the long ones."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    words = (word for text in texts if isinstance(text, str) for word in text.split())
    return frozenset(SHORT.get(word, word) for word in words)


@pytest.mark.parametrize("line", _of("make"))
def test_make_knows_it(line: str) -> None:
    dry = ["make", "--dry-run", "--no-print-directory", *shlex.split(line)[1:]]
    ran = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    for value in re.findall(r"\b[A-Z_]+=(\S+)", line):
        assert value.strip("'\"") in ran.stdout, "the variable is not used"
    for ours in re.findall(r"bin/tickfleet (.*)", ran.stdout):
        parse(ours)
    for module in re.findall(r"bin/python -m (tests\.\S+)", ran.stdout):
        assert _module(module).is_file()


@pytest.mark.parametrize("line", _of("python"))
def test_a_python_module_and_its_options_are_there(line: str) -> None:
    words = shlex.split(line)[1:]
    if words[:2] == ["-m", "benchmarks.NAME"]:
        return
    path = _module(words[1]) if words[0] == "-m" else ROOT / words[0]
    assert path.is_file(), line
    source = path.read_text("utf-8")
    for option in re.findall(r"--[\w-]+", line):
        assert f'"{option}"' in source, option


def _module(name: str) -> Path:
    path = ROOT / name.replace(".", "/")
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


@pytest.mark.parametrize("line", _of("pip"))
def test_pip_finds_such_extras(line: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    known = {"confluent-kafka": {"avro", "schemaregistry"}}
    known |= {name: set(project["optional-dependencies"]) for name in (".", "tickfleet")}
    for name, extras in re.findall(r"([\w.-]+)\[([\w,]+)\]", line):
        assert set(extras.split(",")) <= known[name]


@pytest.mark.parametrize("line", _of("java"))
def test_the_java_subscriber_takes_such_options(line: str) -> None:
    source = (ROOT / "examples" / "subscriber-java" / "Subscriber.java").read_text("utf-8")
    assert all(f'"{option}"' in source for option in re.findall(r"--\w+", line))


@pytest.mark.parametrize("line", _of("kubectl"))
def test_kubectl_is_told_of_what_there_is(line: str) -> None:
    for folder in re.findall(r"-k (\S+)", line):
        assert (ROOT / folder / "kustomization.yaml").is_file()
    manifest = (ROOT / "k8s" / "base" / "stateful-set.yaml").read_text("utf-8")
    for name in re.findall(r"statefulset/(\w+)|generic (\w+)|exec (\w+)-0", line):
        assert f"name: {''.join(name)}" in manifest


def _links() -> Iterator[tuple[Path, str, str]]:
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for link, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", text):
            if not link.startswith("http"):
                yield page, link, anchor


@pytest.mark.parametrize(("page", "link", "anchor"), list(_links()))
def test_a_link_leads_somewhere(page: Path, link: str, anchor: str) -> None:
    target = (page.parent / link).resolve() if link else page
    assert target.exists(), link
    if anchor:
        titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
        known = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
        assert anchor in known
