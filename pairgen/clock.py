"""How long models work: a model's lock counts, for whoever asks, the seconds that it is held."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_asked = threading.local()


@contextmanager
def model_seconds() -> Iterator[dict[str, float]]:
    """The seconds that each model, by its spec, works in this thread meanwhile, loading it included.

    What an inner `model_seconds` counts, an outer one does not.
    """
    outer: dict[str, float] | None = getattr(_asked, "seconds", None)
    seconds: dict[str, float] = {}
    _asked.seconds = seconds
    try:
        yield seconds
    finally:
        _asked.seconds = outer


class ModelLock:
    """A lock for the model `spec`: waiting for it does not count, holding it does."""

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        seconds: dict[str, float] | None = getattr(_asked, "seconds", None)
        if seconds is not None:
            seconds[self._spec] = seconds.get(self._spec, 0.0) + time.perf_counter() - self._since
        self._lock.release()
