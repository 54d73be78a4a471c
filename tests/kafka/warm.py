"""What a worker process of the tests has imported already when `tests.kafka.workforce` forks it.

The backend must not have started: its threads would not be there after the fork.
"""

from jax._src import xla_bridge

from tests.kafka import worker_process

__all__ = ["worker_process"]

assert not xla_bridge.backends_are_initialized()
