"""The live page beside the demonstration, in a process of its own as an operator would run it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ops.demo.stage import Stage
from ops.demo.workforce import DemoWorkerError

__all__ = ["live_page"]


@contextmanager
def live_page(stage: Stage) -> Iterator[str]:
    """Serve it, on its usual port if that is free; yields its address.

    Raises:
        DemoWorkerError: it did not start; the message has what it said.
    """
    log = stage.folder / "web.log"
    command = [sys.executable, "-m", "ops.cli", "web", "--config", str(stage.config)]
    with log.open("ab") as sink:
        page = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=sink, text=True)  # noqa: S603
    try:
        assert page.stdout is not None
        line = page.stdout.readline()
        if not line:
            raise DemoWorkerError(f"the live page did not start: {log.read_text('utf-8')[-2_000:]}")
        yield line.split()[0]
    finally:
        page.terminate()
        page.communicate(timeout=30)
