"""Threads whose work is done before a fork, and that are there behind it."""

import multiprocessing
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future

from workers.embedded.threads import Threads


def forked(target: Callable[..., None], *args: object) -> int | None:
    """Exit status of a process that runs a function; none or a signal's if it hangs."""
    child = multiprocessing.get_context("fork").Process(target=target, args=args)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX has threads, too, which the child does not ask for
        child.start()
    child.join(10.0)
    if child.is_alive():
        child.kill()
    return child.exitcode


def goes_on(threads: Threads, begun: Future[str]) -> None:
    assert begun.result(timeout=0.0) == "begun before the fork"
    assert threads.submit(str, 7).result() == "7"
    assert threads.finish(1.0) == 0
    threads.shutdown()


def test_a_forked_process_has_threads_of_its_own() -> None:
    threads = Threads(2, "tested")
    assert [threads.submit(str, n).result() for n in range(4)] == ["0", "1", "2", "3"]

    def slow() -> str:
        time.sleep(0.2)
        return "begun before the fork"

    begun = threads.submit(slow)
    assert forked(goes_on, threads, begun) == 0
    assert threads.submit(str, 8).result() == "8"
    threads.shutdown()
