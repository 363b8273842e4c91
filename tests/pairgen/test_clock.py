"""Seconds that a model works: those that its lock is held, in the thread that asks."""

import threading
import time

import pytest

from pairgen.clock import ModelLock, model_seconds


def work(lock: ModelLock, seconds: float) -> None:
    with lock:
        time.sleep(seconds)


def test_holding_counts_and_waiting_does_not() -> None:
    lock, other = ModelLock("a"), ModelLock("b")
    begun = threading.Event()

    def elsewhere() -> None:
        with lock:
            begun.set()
            time.sleep(0.4)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    begun.wait()
    with model_seconds() as seconds:
        work(lock, 0.05)
        work(lock, 0.05)
        work(other, 0.05)
    thread.join()

    assert set(seconds) == {"a", "b"}
    assert 0.1 <= seconds["a"] < 0.35
    assert 0.05 <= seconds["b"] < 0.3


def test_what_is_counted_within_is_not_counted_outside() -> None:
    lock = ModelLock("a")

    with model_seconds() as outer:
        with model_seconds() as inner:
            work(lock, 0.02)
        assert outer == {}
        work(lock, 0.02)
    work(lock, 0.02)

    assert inner["a"] >= 0.02
    assert outer["a"] >= 0.02


def test_a_model_that_fails_gives_its_lock_back() -> None:
    lock = ModelLock("a")

    with model_seconds() as seconds, pytest.raises(ValueError, match="no"), lock:
        raise ValueError("no")

    assert set(seconds) == {"a"}
    work(lock, 0)
