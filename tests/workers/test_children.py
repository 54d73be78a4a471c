"""Ctrl-C, which a terminal sends to a process and to its children."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

_SERVES: Final = """
import os, signal, time
if "AMID_IMPORTS" in os.environ:
    os.killpg(0, signal.SIGINT)
    time.sleep(0.2)
def serve(pipe):
    pipe.poll(None)  # until its parent closes the other end
"""
_STARTS: Final = """
import os, signal, sys
from serves import serve
from workers.children import Children
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["AMID_IMPORTS"] = "1"
    try:
        Children(serve, [(), ()])
        signal.pause()
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_an_interrupt_while_children_import_is_the_parents_alone(tmp_path: Path) -> None:
    (tmp_path / "serves.py").write_text(_SERVES, "utf-8")
    (tmp_path / "starts.py").write_text(_STARTS, "utf-8")
    ran = subprocess.run(
        [sys.executable, tmp_path / "starts.py"],
        env=os.environ | {"PYTHONPATH": f"{Path(__file__).parents[2]}:{tmp_path}"},
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
