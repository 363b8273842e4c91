"""A published version: its tables, the digest of its content, and its manifest."""

import functools
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from pairgen.errors import StoreError
from pairgen.places import Place, copied
from pairgen.schema import DROPPED, FUNNEL, MEMBERS, PAIRS, SPLITS, Schema, collected, empty

FORMAT = 1
MANIFEST = "manifest.json"
UNSPLIT = "unsplit"  # where the rows stand that were dropped before a split was given
TABLES: dict[str, Schema] = {"pairs": PAIRS, "members": MEMBERS, "dropped": DROPPED}
ORDER = {"pairs": ["pair_id"], "members": ["member_id"], "dropped": ["id", "unit", "stage", "drop_reason"]}
_KEYS = {
    "name": str,
    "number": int,
    "digest": str,
    "created": str,
    "code": str,
    "files": dict,
    "fingerprints": dict,
    "counts": dict,
    "source": list,
    "funnel": list,
}
_SLICE = 20_000


@dataclass(frozen=True)
class Version:
    """One published version; `place` is where its files stand and `manifest` what `manifest.json` holds."""

    name: str
    number: int
    place: Place
    manifest: dict[str, Any]

    @cached_property
    def path(self) -> Path:
        """The folder of its files: of a remote version a copy, made when it is first asked for."""
        return self.place if isinstance(self.place, Path) else copied(self.place)

    @property
    def reference(self) -> str:
        return f"{self.name}@v{self.number}"

    @property
    def digest(self) -> str:
        """sha256 over the rows of pairs and members: 64 hexadecimal characters."""
        return str(self.manifest["digest"])

    @property
    def candidate(self) -> tuple[str, ...]:
        """Why it was published as a candidate, a line a figure (`pairgen.candidates`); empty if it was not."""
        return tuple(map(str, self.manifest.get("candidate", ())))

    def pairs(self) -> pl.DataFrame:
        """All splits, sorted by `pair_id`, with every `score_*`."""
        return self._table("pairs")

    def members(self) -> pl.DataFrame:
        """All splits, sorted by `member_id`."""
        return self._table("members")

    def dropped(self) -> pl.DataFrame:
        """All splits, and the rows that never had one (`split` is null)."""
        return self._table("dropped")

    def scan(self, table: str) -> pl.LazyFrame:
        """The rows of "pairs", "members" or "dropped" in stored order, read when they are asked for.

        `StoreError` where a file is no Parquet file; one damaged further in is one where that is `reading`.
        """
        parts: dict[str, list[Path]] = {}
        for name in self._files_of(table):
            try:
                pl.read_parquet_schema(self.path / name)
            except (OSError, pl.exceptions.PolarsError) as error:
                raise self._damaged(name, error) from error
            parts.setdefault(PurePosixPath(name).name.partition("-")[0], []).append(self.path / name)
        scans = [pl.scan_parquet(files, glob=False) for files in parts.values()]
        if not scans:
            return empty(TABLES[table]).lazy()
        with self.reading(table):
            if table == "dropped":  # of a version from before a column was added it is null
                there = scans[0].collect_schema()
                absent = {name: pl.lit(None, dtype=dtype) for name, dtype in DROPPED.items() if name not in there}
                return pl.concat(scans).with_columns(**absent)
            merged = functools.reduce(lambda one, other: one.merge_sorted(other, ORDER[table][0]), scans)
            merged.collect_schema()  # says whether their columns differ
            return merged

    @contextmanager
    def reading(self, *tables: str) -> Iterator[None]:
        """While rows of `tables` are read: what polars cannot read is a `StoreError` with the file."""
        try:
            yield
        except (OSError, pl.exceptions.PolarsError) as error:
            for name in (name for table in tables for name in self._files_of(table)):
                try:
                    pl.read_parquet(self.path / name)
                except (OSError, pl.exceptions.PolarsError) as its_own:
                    raise self._damaged(name, its_own) from error
            raise self._damaged(", ".join(tables), error) from error

    def _files_of(self, table: str) -> list[str]:
        return sorted(name for name in self.manifest["files"] if _is_table_file(name, table))

    def stats(self) -> dict[str, Any]:
        """The counts that the data card was made from (`stats.json`)."""
        try:
            counts: dict[str, Any] = json.loads((self.place / "stats.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged("stats.json", error) from error
        return counts

    def _table(self, table: str) -> pl.DataFrame:
        with self.reading(table):
            return collected(in_order(table, self.scan(table)))

    def _damaged(self, name: str, error: Exception) -> StoreError:
        cure = f"`contrast-pairs verify {self.reference}` says what else is damaged"
        return StoreError(f"{self.place / name}: cannot be read ({brief(error)}); {cure}")


def read_version(folder: Place) -> Version:
    """The version in `folder` (STORE/NAME/vNNNN); `StoreError` where its manifest is damaged or of a newer release."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found = int(manifest["format"])
        if found <= FORMAT:
            missing = [key for key, kind in _KEYS.items() if not isinstance(manifest[key], kind)]
            if missing:
                raise ValueError(f"{missing[0]} is no {_KEYS[missing[0]].__name__}")
            _check_entries(manifest)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(
            f"{path}: damaged manifest ({brief(error)}); restore it, or remove that folder and build again"
        ) from error
    if found > FORMAT:
        raise StoreError(f"{path}: format {found}, this release reads up to {FORMAT}; upgrade contrast-pairs")
    return Version(folder.parent.name, int(folder.name[1:]), folder, manifest)


def _check_entries(manifest: dict[str, Any]) -> None:
    """`ValueError` unless each file has a sha256 and a size, and each row of the funnel its columns."""
    for name, stated in manifest["files"].items():
        if not isinstance(stated, dict) or not isinstance(stated.get("sha256"), str) or "size" not in stated:
            raise ValueError(f"files: {name} has no sha256 and size")
    for row in manifest["funnel"]:
        if not isinstance(row, dict) or set(row) != set(FUNNEL):
            raise ValueError(f"funnel: a row has other columns than {', '.join(FUNNEL)}")


def in_order(table: str, rows: pl.LazyFrame) -> pl.LazyFrame:
    """`rows` as they are stored: sorted by id; only what is not so already is sorted, and in memory."""
    keys, last = ORDER[table], None
    for portion in in_portions(rows.select(keys)):
        if not portion.height:
            continue
        if not portion.equals(portion.sort(keys)) or (last is not None and portion.row(0) < last):
            return rows.sort(keys, maintain_order=True)
        last = portion.row(-1)
    return rows


def by_split(rows: pl.LazyFrame) -> Iterator[tuple[str, pl.LazyFrame]]:
    """Split and rows of what is written as one; a split without rows has no file: `datasets` refuses it."""
    there = set(collected(rows.select(pl.col("split").unique()))["split"])
    for split in (*SPLITS, UNSPLIT):
        wanted = None if split == UNSPLIT else split
        if wanted in there:
            yield split, rows.filter(pl.col("split").eq_missing(pl.lit(wanted)))


def content_digest(pairs: pl.LazyFrame, members: pl.LazyFrame) -> str:
    """sha256 over names and values of both tables, whatever the order of rows and columns and Parquet's bytes."""
    state = hashlib.sha256()
    for table, rows in (("pairs", pairs), ("members", members)):
        columns = sorted(rows.collect_schema())
        height = collected(rows.select(pl.len())).item()
        state.update(json.dumps([table, columns, height]).encode())
        for portion in in_portions(in_order(table, rows.select(columns))):
            state.update(portion.write_ndjson().encode())
    return state.hexdigest()


def count_rows(pairs: pl.LazyFrame, members: pl.LazyFrame, dropped: pl.LazyFrame) -> dict[str, Any]:
    """What the manifest counts: sets, and the rows of each table by split."""
    counts: dict[str, Any] = {"sets": collected(members.select(pl.col("set_id").hash())).n_unique()}
    for table, rows in (("pairs", pairs), ("members", members), ("dropped", dropped)):
        found = dict(collected(rows.group_by(pl.col("split").fill_null(UNSPLIT)).len()).iter_rows())
        counts[table] = sum(found.values())
        counts[f"{table}_by_split"] = {split: found[split] for split in (*SPLITS, UNSPLIT) if split in found}
    return counts


def in_portions(rows: pl.LazyFrame, *, rows_each: int | None = None) -> Iterator[pl.DataFrame]:
    """The `rows`, in order, as tables of `rows_each`, else of 20,000."""
    return rows.collect_batches(chunk_size=rows_each or _SLICE, maintain_order=True, engine="streaming")


def manifest_digest(manifest: dict[str, Any]) -> str:
    """sha256 of the manifest without its own `manifest_digest`, keys sorted."""
    rest = {key: entry for key, entry in manifest.items() if key != "manifest_digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_table_file(name: str, table: str) -> bool:
    path = PurePosixPath(name)
    return len(path.parts) == 2 and path.parts[0] == table and path.suffix == ".parquet"


def brief(error: Exception) -> str:
    """The first line of what an exception says."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0]
