"""A version before it is one: what a build hands over, and how it is written to a folder."""

import functools
import hashlib
import json
import os
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl

from pairgen.sorting import parquet
from pairgen.version import FORMAT, MANIFEST, Version, by_split, count_rows, file_sha256, in_portions, manifest_digest

PACKAGES = ("flows", "pairgen", "filters", "training", "data_cards")
_ROWS_A_FILE = 200_000
_ROWS_A_GROUP = 20_000  # what is read at once


@dataclass(frozen=True)
class Contents:
    """What a build hands over: the tables of `schema.py`, read as they are asked for, and where they came from.

    `recipe` is TOML text, `fingerprints` has a model's fingerprint by role, `source` a dict a source with name, path,
    rows, sha256 and licence.
    """

    pairs: pl.LazyFrame
    members: pl.LazyFrame
    dropped: pl.LazyFrame
    funnel: pl.DataFrame
    recipe: str
    fingerprints: dict[str, str]
    source: list[dict[str, Any]]


@dataclass(frozen=True)
class Draft:
    """A version about to be published, as its documents see it.

    `parent` is the reference of the one before, `before` that version: None where there is none.
    `files` has sha256 and size of each file of the tables, by its path in the version, `candidate` why it is one.
    """

    name: str
    number: int
    digest: str
    contents: Contents
    parent: str | None
    created: str
    code: str
    before: Version | None = None
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    candidate: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        return f"{self.name}@v{self.number}"


@functools.cache
def code_version() -> str:
    """Release of contrast-pairs and 12 characters of the sha256 over its modules and their data: `0.1.0+3f2a...`."""
    try:
        release = metadata.version("contrast-pairs")
    except metadata.PackageNotFoundError:
        release = "unknown"
    root = Path(__file__).resolve().parent.parent
    state = hashlib.sha256()
    files = (path for package in PACKAGES for path in (root / package).rglob("*") if path.is_file())
    for path in sorted(path for path in files if path.parent.name != "__pycache__"):
        state.update(f"{path.relative_to(root).as_posix()} {file_sha256(path)}\n".encode())
    return f"{release}+{state.hexdigest()[:12]}"


def write_tables(work: Path, contents: Contents) -> None:
    """Every table into the folder `work`, in Parquet files of one split and at most 200,000 rows each."""
    for table, rows in (("pairs", contents.pairs), ("members", contents.members), ("dropped", contents.dropped)):
        (work / table).mkdir()
        for split, part in by_split(rows):
            files = []
            for number, some in enumerate(in_portions(part, rows_each=_ROWS_A_FILE)):
                files.append(work / table / f"{split}-{number:05d}")
                files[-1].write_bytes(parquet(some, row_group_size=_ROWS_A_GROUP))
            for path in files:
                finish(path.rename(f"{path}-of-{len(files):05d}.parquet"))


def write_documents(work: Path, draft: Draft, documents: dict[str, str]) -> None:
    """Documents, recipe and, last, the manifest into the folder `work`; those of an earlier try are replaced."""
    for name, text in {**documents, "recipe.toml": draft.contents.recipe}.items():
        (work / name).unlink(missing_ok=True)
        (work / name).write_text(text, encoding="utf-8", newline="")
        finish(work / name)
    (work / MANIFEST).unlink(missing_ok=True)
    contents = draft.contents
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "name": draft.name,
        "number": draft.number,
        "digest": draft.digest,
        "parent": draft.parent,
        "created": draft.created,
        "code": draft.code,
        "candidate": list(draft.candidate),
        "fingerprints": contents.fingerprints,
        "source": contents.source,
        "counts": count_rows(contents.pairs, contents.members, contents.dropped),
        "funnel": contents.funnel.to_dicts(),
        "files": hashed(work),
    }
    manifest["manifest_digest"] = manifest_digest(manifest)
    (work / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    finish(work / MANIFEST)
    for folder in (work, *(path for path in work.iterdir() if path.is_dir())):
        sync(folder)


def hashed(work: Path) -> dict[str, dict[str, Any]]:
    """sha256 and size of every file in the folder `work`, by its path there."""
    return {
        path.relative_to(work).as_posix(): {"sha256": file_sha256(path), "size": path.stat().st_size}
        for path in sorted(work.rglob("*"))
        if path.is_file()
    }


def finish(path: Path) -> None:
    """On the disk, and read-only."""
    sync(path)
    path.chmod(0o444)


def sync(path: Path) -> None:
    """What was written to a file or folder is on the disk when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
