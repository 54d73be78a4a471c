"""Beside the caller things are done one after the other, and what goes wrong is raised there."""

import os
import signal
import threading
import time

import pytest

from workers.replay.beside import Beside

_LONG_S = 30.0


def test_the_caller_goes_on_and_waits_for_one_thing_at_most() -> None:
    may_end, done = threading.Event(), list[int]()

    def first() -> None:
        assert may_end.wait(_LONG_S)
        done.append(1)

    with Beside("test") as writing:
        writing.do(first)
        assert not done
        may_end.set()
        writing.do(lambda: done.append(2))
        assert done[0] == 1  # before the second was begun
        writing.wait()
        assert done == [1, 2]


def test_what_went_wrong_is_raised_at_the_next_occasion_and_nothing_is_done_after_it() -> None:
    done = list[int]()

    def fails() -> None:
        raise OSError("no room")

    with Beside("test") as writing:
        writing.do(fails)
        with pytest.raises(OSError, match="no room"):
            writing.do(lambda: done.append(1))
        with pytest.raises(OSError, match="no room"):
            writing.wait()
    assert not done


def test_nothing_is_under_way_behind_the_context() -> None:
    may_end, done = threading.Event(), list[int]()

    def slowly() -> None:
        assert may_end.wait(_LONG_S)
        done.append(1)

    def interrupted() -> None:
        with Beside("test") as writing:
            writing.do(slowly)
            may_end.set()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == [1]


def test_ctrl_c_amid_the_last_wait_leaves_nothing_under_way() -> None:
    done = list[int]()

    def slowly() -> None:
        time.sleep(0.1)  # by then the context is being left
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        done.append(1)

    with pytest.raises(KeyboardInterrupt), Beside("test") as writing:
        writing.do(slowly)
    assert done == [1]
