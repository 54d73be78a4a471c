import re
import subprocess
import sys
from pathlib import Path

import snapshots

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "snapshots.md").read_text()


def test_the_example_prints_what_the_page_says() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (expected,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    command = [sys.executable, "-W", "error", "-c", example]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, expected), done.stderr


def test_every_error_on_the_page_exists() -> None:
    named = set(re.findall(r"`(\w+Error)`", PAGE)) - {"ValueError"}
    assert len(named) >= 5
    assert named <= set(snapshots.__all__)
