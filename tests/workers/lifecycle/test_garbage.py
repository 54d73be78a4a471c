"""The collector's settings, in a process of their own: they would hold for all other tests too."""

import subprocess
import sys

_SCRIPT = """
import gc
from workers.lifecycle.garbage import calm_collector

calm_collector()
collections = []
gc.callbacks.append(lambda phase, info: collections.append(phase))
batch = [{"key": b"", "value": b""} for _ in range(16_384)]
print(gc.get_freeze_count() > 10_000, len(collections))
del batch
for _ in range(100_000):
    loop = [{}]
    loop[0]["itself"] = loop
print(len(collections) > 0)
"""


def test_a_batch_runs_without_collections_and_cycles_are_still_found() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["True", "0", "True"]
