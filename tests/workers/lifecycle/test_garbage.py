"""The collector's settings, in a process of their own: they would hold for all other tests too."""

import subprocess
import sys

_SCRIPT = """
import gc
import weakref
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


class Life: ...


life = Life()
life.itself = life
died = []
weakref.finalize(life, died.append, True)
calm_collector()
del life
calm_collector()
print(bool(died))
"""


def test_a_batch_runs_without_collections_cycles_are_found_and_a_former_life_is_freed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["True", "0", "True", "True"]
