"""Turns: who may change a data set of a remote store now, where nothing can be renamed or locked.

Whoever wants to, creates the next number of a queue and waits until each earlier turn has its mark. The mark is made
once, by the first who can: the holder, who is done, or another, who heard nothing for `PATIENCE_SECONDS` and gives the
turn up for it. So what a publisher marks as done, its manifest, counts or does not, however late it wakes up. A tag or
a tombstone is a file that is written over: one who slept that long right before it does so can undo another's change.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pairgen.places import Remote

BEAT_SECONDS = 5.0
PATIENCE_SECONDS = 40.0  # a holder that lives is heard eight times in it
_POLL_SECONDS = 0.5
_QUEUES = ".turns"


@contextmanager
def turn(home: Remote, queue: str, mark: Callable[[int], str], *, first: int = 1) -> Iterator[int]:
    """The number of an own turn of `queue`, `first` or later, once all earlier have ended.

    `mark` names the file of a number that ends its turn, from `home`; left without it, the turn is given up.
    """
    number = max(first, 1 + max(taken(home.sizes(), queue), default=0))
    while not _place(home, queue, number).create(_sign()):
        number += 1
    try:
        with _alive(_place(home, queue, number)):
            _wait(home, queue, mark, number)
            yield number
    finally:
        give_up(home / mark(number))


def give_up(mark: Remote) -> None:
    """End a turn that is not marked as done, by an empty mark."""
    mark.create(b"")


def taken(sizes: dict[str, int], queue: str) -> list[int]:
    """The numbers that were taken of `queue`, of the files of a data set (`Remote.sizes`)."""
    names = (name.rpartition("/") for name in sizes)
    return [int(number) for folder, _, number in names if folder == f"{_QUEUES}/{queue}" and number.isdecimal()]


def _place(home: Remote, queue: str, number: int) -> Remote:
    return home / f"{_QUEUES}/{queue}/{number:04d}"


def _wait(home: Remote, queue: str, mark: Callable[[int], str], number: int) -> None:
    """Until every turn before `number` has ended; who is next listens to the holder, the others ask less often."""
    heard = (0, b"", time.monotonic())
    while True:
        found = home.sizes()
        going = sorted(each for each in taken(found, queue) if each < number and mark(each) not in found)
        if not going:
            return
        sign, now = _place(home, queue, going[0]).read_bytes(), time.monotonic()
        if (going[0], sign) != heard[:2]:
            heard = (going[0], sign, now)
        elif now - heard[2] > PATIENCE_SECONDS:
            give_up(home / mark(going[0]))
        time.sleep(_POLL_SECONDS * len(going))


@contextmanager
def _alive(place: Remote) -> Iterator[None]:
    """Others hear every few seconds that the holder of the turn lives."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(BEAT_SECONDS):
            with suppress(Exception):  # a beat that is lost is followed by the next
                place.write(_sign())

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _sign() -> bytes:
    return secrets.token_hex(8).encode()
