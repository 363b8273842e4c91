"""Scores that are remembered by text digest and model fingerprint: no text is scored twice, in this build or the next.

Outcomes of stages (`outcomes`) stand beside them.

One SQLite file (write-ahead log, safe with several writers), kept in `STORE/.cache`.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pairgen.digests import digest
from pairgen.errors import StoreError

_TABLE = "CREATE TABLE IF NOT EXISTS scores (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
_KEYS_A_QUERY = 500
_PATIENCE_SECONDS = 60


class Memory:
    """A table from (model, text) to numbers in the file at `path`.

    A file that cannot be opened, read or written, or holds something else, is a `StoreError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connections = threading.local()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection().execute(_TABLE)
        except OSError as error:
            raise StoreError(
                f"{path}: cannot remember scores there ({error.strerror}); give a folder that can be written"
            ) from error
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def recall(
        self,
        model: str,
        texts: Sequence[str],
        compute: Callable[[list[str]], NDArray[Any]],
        dtype: DTypeLike,
    ) -> NDArray[Any]:
        """A row a text, in order: remembered where `model` has scored it before, else from `compute`, called once.

        Texts that occur twice are computed once. NaN (a text that could not be scored) is not remembered.
        """
        keys = [digest(model, text) for text in texts]
        known = self.known(set(keys))
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new or not texts:
            values = np.asarray(compute(list(new.values())), dtype)
            if not texts:
                return values
            rows = {key: row.tobytes() for key, row in zip(new, values, strict=True) if not np.isnan(row).any()}
            self.keep(rows)
            known |= {key: row.tobytes() for key, row in zip(new, values, strict=True)}
        try:
            table = np.stack([np.frombuffer(known[key], dtype) for key in keys])
        except ValueError as error:  # rows of another length than they were written with
            raise self._fault(sqlite3.DatabaseError(str(error))) from error
        return table[:, 0] if table.shape[1] == 1 else table

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._connections, "open"):
            connection = sqlite3.connect(self._path, timeout=_PATIENCE_SECONDS, isolation_level=None)
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
            self._connections.open = connection
        return self._connections.open  # type: ignore[no-any-return]

    def known(self, keys: set[str]) -> dict[str, bytes]:
        """What is remembered under each of `keys`, of those under which something is."""
        ordered = sorted(keys)
        found: dict[str, bytes] = {}
        try:
            for start in range(0, len(ordered), _KEYS_A_QUERY):
                some = ordered[start : start + _KEYS_A_QUERY]
                places = ",".join("?" * len(some))
                found.update(self._connection().execute(f"SELECT key, value FROM scores WHERE key IN ({places})", some))
        except sqlite3.Error as error:
            raise self._fault(error) from error
        return found

    def keep(self, rows: dict[str, bytes]) -> None:
        """Remember the value of each key, all or none."""
        try:
            connection = self._connection()
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", rows.items())
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _fault(self, error: sqlite3.Error) -> StoreError:
        """What is wrong with the file, and the cure: one that is damaged, or has other tables, may be deleted."""
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            return StoreError(
                f"{self._path}: cannot remember scores there ({error}); "
                "free some space, or give a folder that can be written"
            )
        return StoreError(f"{self._path}: is damaged ({error}); delete it, and the scores are computed anew")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; here alone SQLite does not wait by itself while another process switches."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
