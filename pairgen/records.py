"""What stands beside the versions of a data set and may change: small JSON records, one writer at a time."""

import fcntl
import getpass
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from pairgen.draft import sync
from pairgen.errors import StoreError
from pairgen.places import Place, Remote
from pairgen.turns import turn
from pairgen.version import brief

FORMAT = 1
PREFIX = ".publishing-"  # of everything that is not finished yet
_LOCK = ".lock"


@contextmanager
def changing(home: Place) -> Iterator[None]:
    """Nobody else changes the records in `home` meanwhile; a writer that was killed holds up nobody (for long)."""
    if isinstance(home, Remote):
        with turn(home, "change", lambda number: f".turns/change/{number:04d}.ended"):
            yield
        return
    try:
        lock = (home / _LOCK).open("a")
    except OSError as error:
        raise StoreError(f"{home}: cannot be written ({brief(error)}); choose another --store") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_record(path: Place, key: str) -> dict[str, Any]:
    """The record at `path`, whose `key` holds a dict; one that is not there holds nothing. `StoreError` if damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        found = int(record["format"])
        if found <= FORMAT and not isinstance(record[key], dict):
            raise ValueError(f"{key} is no dict")
    except FileNotFoundError:
        return {"format": FORMAT, key: {}}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: damaged record of {key} ({brief(error)}); restore it") from error
    if found > FORMAT:
        raise StoreError(f"{path}: format {found}, this release reads up to {FORMAT}; upgrade contrast-pairs")
    return dict(record)


def write_record(path: Place, record: dict[str, Any]) -> None:
    """`record` at `path`, whole or not at all."""
    content = json.dumps(record, indent=1) + "\n"
    if isinstance(path, Remote):
        path.write(content.encode())
        return
    new = path.with_name(f"{PREFIX}{secrets.token_hex(8)}")
    try:
        new.write_text(content, encoding="utf-8")
        sync(new)
        new.rename(path)
        sync(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({brief(error)}); it stays as it was") from error
    finally:
        new.unlink(missing_ok=True)


def signed(**entry: Any) -> dict[str, Any]:
    """`entry` with when it was made, in UTC, and by whom."""
    try:
        who = getpass.getuser()
    except (OSError, KeyError):  # a container without users
        who = "unknown"
    return {**entry, "when": datetime.now(UTC).isoformat(timespec="seconds"), "who": who}
