"""A published version: its tables, the digest of its content, its manifest, and `verify`, which checks all three."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from pairgen.errors import SchemaError, StoreError
from pairgen.schema import DROPPED, MEMBERS, PAIRS, SPLITS, Schema, check, empty

FORMAT = 1
MANIFEST = "manifest.json"
UNSPLIT = "unsplit"  # where the rows stand that were dropped before a split was given
TABLES: dict[str, Schema] = {"pairs": PAIRS, "members": MEMBERS, "dropped": DROPPED}
_ORDER = {"pairs": ["pair_id"], "members": ["member_id"], "dropped": ["unit", "id", "stage", "drop_reason"]}
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
    """One published version; `path` is its folder and `manifest` what `manifest.json` holds."""

    name: str
    number: int
    path: Path
    manifest: dict[str, Any]

    @property
    def reference(self) -> str:
        return f"{self.name}@v{self.number}"

    @property
    def digest(self) -> str:
        """sha256 over the rows of pairs and members: 64 hexadecimal characters."""
        return str(self.manifest["digest"])

    def pairs(self) -> pl.DataFrame:
        """All splits, sorted by `pair_id`, with every `score_*`."""
        return self._table("pairs")

    def members(self) -> pl.DataFrame:
        """All splits, sorted by `member_id`."""
        return self._table("members")

    def dropped(self) -> pl.DataFrame:
        """All splits, and the rows that never had one (`split` is null)."""
        return self._table("dropped")

    def stats(self) -> dict[str, Any]:
        """The counts that the data card was made from (`stats.json`)."""
        try:
            counts: dict[str, Any] = json.loads((self.path / "stats.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged("stats.json", error) from error
        return counts

    def _table(self, table: str) -> pl.DataFrame:
        names = sorted(name for name in self.manifest["files"] if _is_table_file(name, table))
        parts = []
        for name in names:
            try:
                parts.append(pl.read_parquet(self.path / name))
            except (OSError, pl.exceptions.PolarsError) as error:
                raise self._damaged(name, error) from error
        try:
            return in_order(table, pl.concat(parts)) if parts else empty(TABLES[table])
        except pl.exceptions.PolarsError as error:
            raise self._damaged(f"{table}/", error) from error

    def _damaged(self, name: str, error: Exception) -> StoreError:
        cure = f"`contrast-pairs verify {self.reference}` says what else is damaged"
        return StoreError(f"{self.path / name}: cannot be read ({brief(error)}); {cure}")


def read_version(folder: Path) -> Version:
    """The version in `folder` (STORE/NAME/vNNNN); `StoreError` where its manifest is damaged or of a newer release."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found = int(manifest["format"])
        if found <= FORMAT:
            missing = [key for key, kind in _KEYS.items() if not isinstance(manifest[key], kind)]
            if missing:
                raise ValueError(f"{missing[0]} is no {_KEYS[missing[0]].__name__}")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"{path}: damaged manifest ({brief(error)}); restore it, or build again") from error
    if found > FORMAT:
        raise StoreError(f"{path}: format {found}, this release reads up to {FORMAT}; upgrade contrast-pairs")
    return Version(folder.parent.name, int(folder.name[1:]), folder, manifest)


def in_order(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` as they are stored: sorted by id."""
    return rows.sort(_ORDER[table], maintain_order=True)


def by_split(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Split and rows of each file that is written; a split without rows has no file, since `datasets` refuses it."""
    for split in (*SPLITS, UNSPLIT):
        wanted = pl.col("split").is_null() if split == UNSPLIT else pl.col("split") == split
        part = rows.filter(wanted)
        if part.height:
            yield split, part


def content_digest(pairs: pl.DataFrame, members: pl.DataFrame) -> str:
    """sha256 over names and values of both tables, whatever the order of rows and columns and Parquet's bytes."""
    state = hashlib.sha256()
    for table, rows in (("pairs", pairs), ("members", members)):
        columns = sorted(rows.columns)
        state.update(json.dumps([table, columns, rows.height]).encode())
        ordered = in_order(table, rows.select(columns))
        for start in range(0, ordered.height, _SLICE):
            state.update(ordered.slice(start, _SLICE).write_ndjson().encode())
    return state.hexdigest()


def count_rows(pairs: pl.DataFrame, members: pl.DataFrame, dropped: pl.DataFrame) -> dict[str, Any]:
    """What the manifest counts: sets, and the rows of each table by split."""
    counts: dict[str, Any] = {"sets": members["set_id"].n_unique()}
    for table, rows in (("pairs", pairs), ("members", members), ("dropped", dropped)):
        counts[table] = rows.height
        counts[f"{table}_by_split"] = {split: part.height for split, part in by_split(rows)}
    return counts


def manifest_digest(manifest: dict[str, Any]) -> str:
    """sha256 of the manifest without its own `manifest_digest`, keys sorted."""
    rest = {key: entry for key, entry in manifest.items() if key != "manifest_digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(version: Version) -> list[str]:
    """What is wrong with `version`, a line a problem; empty where every file, row and count is as it was published."""
    manifest = version.manifest
    problems = []
    if manifest.get("manifest_digest") != manifest_digest(manifest):
        problems.append("manifest.json: was edited after publishing (its own digest differs)")
    stated = f"{manifest['name']}@v{manifest['number']}"
    if stated != version.reference:
        problems.append(f"manifest.json: is of {stated}, found in the folder of {version.reference}")
    problems += _wrong_files(version)
    try:
        rows = {"pairs": version.pairs(), "members": version.members(), "dropped": version.dropped()}
        for table, schema in TABLES.items():
            check(rows[table], schema, stage=table)
    except (StoreError, SchemaError) as error:
        return [*problems, str(error)]
    if content_digest(rows["pairs"], rows["members"]) != version.digest:
        problems.append("digest: the rows of pairs and members are not those that were published")
    if count_rows(**rows) != manifest["counts"]:
        problems.append("counts: the manifest counts other rows than the tables hold")
    return [*problems, *wrong_tables(rows, manifest["funnel"])]


def wrong_tables(rows: dict[str, pl.DataFrame], funnel: list[dict[str, Any]]) -> list[str]:
    """What is wrong between the tables: splits, references from pairs to members, and sums of the funnel."""
    problems = [
        f"funnel: {row['stage']}: {row['entered']} entered, but {row['kept']} kept + {row['dropped']} dropped"
        for row in funnel
        if row["entered"] != row["kept"] + row["dropped"]
    ]
    strays = rows["dropped"].filter(pl.col("split").is_not_null() & ~pl.col("split").is_in(SPLITS))["split"]
    if strays.len():
        problems.append(f"dropped: {strays.len()} rows of split {strays[0]!r}; there are: {', '.join(SPLITS)}")
    return [*problems, *_wrong_rows(rows["pairs"], rows["members"]), *_wrong_ledger(funnel, rows["dropped"])]


def _is_table_file(name: str, table: str) -> bool:
    path = PurePosixPath(name)
    return len(path.parts) == 2 and path.parts[0] == table and path.suffix == ".parquet"


def _wrong_files(version: Version) -> list[str]:
    problems = []
    for name, stated in sorted(version.manifest["files"].items()):
        path = version.path / name
        if ".." in PurePosixPath(name).parts or not path.is_relative_to(version.path):
            problems.append(f"{name}: the manifest names a file outside the version")
        elif not path.is_file():
            problems.append(f"{name}: missing")
        elif path.stat().st_size != stated["size"] or file_sha256(path) != stated["sha256"]:
            problems.append(f"{name}: its bytes are not those that were published")
    found = {path.relative_to(version.path).as_posix() for path in version.path.rglob("*") if not path.is_dir()}
    extra = found - set(version.manifest["files"]) - {MANIFEST}
    problems += [f"{name}: not in the manifest" for name in sorted(extra)]
    for name in version.manifest["files"]:
        table, _, file = name.partition("/")
        path = version.path / name
        if table in TABLES and path.is_file() and name not in extra and not _holds_split(path, file.split("-")[0]):
            problems.append(f"{name}: holds rows of another split")
    return problems


def _holds_split(path: Path, split: str) -> bool:
    try:
        found = pl.read_parquet(path, columns=["split"])["split"].unique().to_list()
    except (OSError, pl.exceptions.PolarsError):
        return True  # unreadable: said elsewhere
    return found == [None if split == UNSPLIT else split]


def _wrong_rows(pairs: pl.DataFrame, members: pl.DataFrame) -> list[str]:
    problems = []
    for table, rows in (("pairs", pairs), ("members", members)):
        torn = rows.group_by("set_id").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1)["set_id"].sort()
        if torn.len():
            problems.append(f"{table}: {torn.len()} sets stand in two splits, first {torn[0]}")
    strays = pairs.join(members, on=["set_id", "split"], how="anti")["pair_id"]
    if strays.len():
        problems.append(f"pairs: {strays.len()} have no set in members of their split, first {strays[0]}")
    for role in ("positive", "negative"):
        texts = members.filter(pl.col("role") == role).select("set_id", pl.col("text").alias(role))
        strays = pairs.join(texts, on=["set_id", role], how="anti")["pair_id"]
        if strays.len():
            problems.append(f"pairs: the {role} of {strays.len()} is no such member of their set, first {strays[0]}")
    return problems


def _wrong_ledger(funnel: list[dict[str, Any]], dropped: pl.DataFrame) -> list[str]:
    stated: dict[str, int] = {}
    for row in funnel:
        stated[row["stage"]] = stated.get(row["stage"], 0) + row["dropped"]
    found = dict(dropped.group_by("stage").len().iter_rows())
    return [
        f"dropped: {found.get(stage, 0)} rows of stage {stage}, the funnel says {stated.get(stage, 0)}"
        for stage in sorted({*stated, *found})
        if found.get(stage, 0) != stated.get(stage, 0)
    ]


def brief(error: Exception) -> str:
    """The first line of what an exception says."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0]
