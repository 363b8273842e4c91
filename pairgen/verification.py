"""`verify`: whether a version is what was published, byte for byte and row for row."""

from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from pairgen.errors import SchemaError, StoreError
from pairgen.schema import SPLITS, check, collected
from pairgen.version import (
    MANIFEST,
    TABLES,
    UNSPLIT,
    Version,
    content_digest,
    count_rows,
    file_sha256,
    manifest_digest,
)

_FROM_ELSEWHERE = ("toxic", "sys_lowcon")  # kinds of negatives that were not made of a positive of their set


def verify(version: Version) -> list[str]:
    """What is wrong with `version`, a line a problem; empty where every file, row and count is as it was published."""
    manifest = version.manifest
    problems = []
    if "manifest_digest" not in manifest:
        problems.append("manifest.json: was edited after publishing (its own digest was taken out)")
    elif manifest["manifest_digest"] != manifest_digest(manifest):
        problems.append("manifest.json: was edited after publishing (its own digest differs)")
    stated = f"{manifest['name']}@v{manifest['number']}"
    if stated != version.reference:
        problems.append(f"manifest.json: is of {stated}, found in the folder of {version.reference}")
    problems += _wrong_files(version)
    try:
        with version.reading(*TABLES):
            return [*problems, *_wrong_content(version)]
    except (StoreError, SchemaError) as error:
        return [*problems, str(error)]


def _wrong_content(version: Version) -> list[str]:
    manifest, problems = version.manifest, []
    rows = {table: check(version.scan(table), schema, stage=table) for table, schema in TABLES.items()}
    if content_digest(rows["pairs"], rows["members"]) != version.digest:
        problems.append("digest: the rows of pairs and members are not those that were published")
    if count_rows(**rows) != manifest["counts"]:
        problems.append("counts: the manifest counts other rows than the tables hold")
    return [*problems, *wrong_tables(rows, manifest["funnel"])]


def wrong_tables(rows: dict[str, pl.LazyFrame], funnel: list[dict[str, Any]]) -> list[str]:
    """What is wrong between the tables: splits, references from pairs to members, and sums of the funnel.

    Ids and texts are compared by their hashes of 64 bits, so that memory holds no text: of 5,000,000 rows, two that
    differ are taken for one with probability 1e-6.
    """
    problems = [
        f"funnel: {row['stage']}: {row['entered']} entered, but {row['kept']} kept + {row['dropped']} dropped"
        for row in funnel
        if row["entered"] != row["kept"] + row["dropped"]
    ]
    unknown = pl.col("split").is_not_null() & ~pl.col("split").is_in(SPLITS)
    strays = collected(rows["dropped"].filter(unknown).select("split"))["split"]
    if strays.len():
        problems.append(f"dropped: {strays.len()} rows of split {strays[0]!r}; there are: {', '.join(SPLITS)}")
    return [*problems, *_wrong_rows(rows["pairs"], rows["members"]), *_wrong_ledger(funnel, rows["dropped"])]


def refuse_altered(version: Version) -> None:
    """`StoreError` with the first problem where `version` is not what was published."""
    problems = verify(version)
    if problems:
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise StoreError(
            f"{version.reference}: is not what was published ({problems[0]}{more}); nothing is trained from it"
        )


def _wrong_files(version: Version) -> list[str]:
    stated = version.manifest["files"]
    present = {path.relative_to(version.path).as_posix(): path for path in version.path.rglob("*")}
    extra = {name for name, path in present.items() if path.is_symlink() or (path.is_file() and name not in stated)} - {
        MANIFEST
    }
    missing = {name for name in stated if name not in present}
    outside = {name for name in missing if not _inside(name)}
    renamed = _renamed({name: stated[name] for name in missing - outside}, {name: present[name] for name in extra})
    problems = []
    for name in sorted(stated):
        path = version.path / name
        if name in outside:
            problems.append(f"{name}: the manifest names a file outside the version")
        elif name in renamed:
            problems.append(f"{name}: was renamed to {renamed[name]}")
        elif name in missing or not path.is_file():
            problems.append(f"{name}: missing")
        elif name in extra:
            problems.append(f"{name}: is a link, a version holds its own files")
        elif path.stat().st_size != stated[name]["size"] or file_sha256(path) != stated[name]["sha256"]:
            problems.append(f"{name}: its bytes are not those that were published")
    if present[MANIFEST].is_symlink():
        problems.append(f"{MANIFEST}: is a link, a version holds its own files")
    problems += [f"{name}: not in the manifest" for name in sorted(extra - set(stated) - set(renamed.values()))]
    for name in sorted(set(stated) - missing):
        table, _, file = name.partition("/")
        if table in TABLES and present[name].is_file() and not _holds_split(present[name], file.split("-")[0]):
            problems.append(f"{name}: holds rows of another split")
    return problems


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _renamed(missing: dict[str, dict[str, Any]], extra: dict[str, Path]) -> dict[str, str]:
    """Of the files that are `missing`, those whose bytes stand under a name that is `extra`, and that name."""
    sums = {file_sha256(path): name for name, path in sorted(extra.items()) if path.is_file()} if missing else {}
    return {name: sums[stated["sha256"]] for name, stated in missing.items() if stated["sha256"] in sums}


def _holds_split(path: Path, split: str) -> bool:
    try:
        found = collected(pl.scan_parquet(path, glob=False).select(pl.col("split").unique()))["split"].to_list()
    except (OSError, pl.exceptions.PolarsError):
        return True  # unreadable: said elsewhere
    return found == [None if split == UNSPLIT else split]


def _wrong_rows(pairs: pl.LazyFrame, members: pl.LazyFrame) -> list[str]:
    problems = []
    for table, rows in (("pairs", pairs), ("members", members)):
        sets = collected(rows.select(pl.col("set_id").hash(), pl.col("split").hash()).unique())
        torn = sets.filter(pl.col("set_id").is_duplicated())["set_id"].unique()
        if torn.len():
            first = collected(rows.filter(pl.col("set_id").hash().is_in(torn.implode())).select(pl.col("set_id").min()))
            problems.append(f"{table}: {torn.len()} sets stand in two splits, first {first.item()}")
    if strays := _strays(pairs, members, _hash("set_id", "split"), _hash("set_id", "split")):
        problems.append(f"pairs: {strays[0]} have no set in members of their split, first {strays[1]}")
    for role in ("positive", "negative"):
        of_role = members.filter(pl.col("role") == role)
        if strays := _strays(pairs, of_role, _hash("set_id", role), _hash("set_id", "text")):
            problems.append(f"pairs: the {role} of {strays[0]} is no such member of their set, first {strays[1]}")
    return [*problems, *_wrong_parents(members), *_wrong_texts(pairs)]


def _hash(*columns: str) -> pl.Expr:
    return pl.concat_str(columns, separator="\n").hash().alias("hash")


def _strays(pairs: pl.LazyFrame, members: pl.LazyFrame, ours: pl.Expr, theirs: pl.Expr) -> tuple[int, str] | None:
    """How many `pairs` have a hash that no member has, and the id of the first."""
    known = collected(members.select(theirs).unique())
    missing = collected(pairs.select(ours)).join(known, on="hash", how="anti")["hash"]
    if not missing.len():
        return None
    return missing.len(), collected(pairs.filter(ours.is_in(missing.implode())).select("pair_id").head(1)).item()


def _wrong_parents(members: pl.LazyFrame) -> list[str]:
    """A negative that was made, was made of a positive of its set; no member comes from a member of another set."""
    hashes = [pl.col(name).hash() for name in ("member_id", "parent_id", "set_id")]
    positive = pl.col("role") == "positive"
    made = ~positive & ~pl.col("kind").is_in(_FROM_ELSEWHERE)
    rows = collected(members.select(*hashes, is_positive=positive, is_made=made))
    known = rows.select(parent_id="member_id", parent_set="set_id", parent_positive="is_positive")
    found = rows.join(known, on="parent_id", how="left", maintain_order="left")
    astray = found.filter(
        (pl.col("is_made") & pl.col("parent_positive").ne_missing(pl.lit(True)))
        | (pl.col("parent_set").is_not_null() & (pl.col("parent_set") != pl.col("set_id")))
        | (pl.col("parent_id") == pl.col("member_id"))
    )["member_id"]
    if not astray.len():
        return []
    first = members.filter(pl.col("member_id").hash() == pl.lit(astray[0], dtype=pl.UInt64)).select("member_id").head(1)
    return [
        f"members: the parent_id of {astray.len()} is no positive of their set, "
        f"first member_id {collected(first).item()}"
    ]


def _wrong_texts(pairs: pl.LazyFrame) -> list[str]:
    """No text stands in the pairs of two splits."""
    split, sides = pl.col("split").hash(), ("positive", "negative")
    texts = pl.concat([collected(pairs.select(split, text=pl.col(side).hash()).unique()) for side in sides]).unique()
    torn = texts.filter(pl.col("text").is_duplicated())["text"].unique()
    if not torn.len():
        return []
    held = pl.any_horizontal(pl.col(side).hash().is_in(torn.implode()) for side in sides)
    first = collected(pairs.filter(held).select(pl.col("pair_id").min())).item()
    return [f"pairs: {torn.len()} texts stand in two splits, first in pair_id {first}"]


def _wrong_ledger(funnel: list[dict[str, Any]], dropped: pl.LazyFrame) -> list[str]:
    stated: dict[str, int] = {}
    for row in funnel:
        stated[row["stage"]] = stated.get(row["stage"], 0) + row["dropped"]
    found = dict(collected(dropped.group_by("stage").len()).iter_rows())
    return [
        f"dropped: {found.get(stage, 0)} rows of stage {stage}, the funnel says {stated.get(stage, 0)}"
        for stage in sorted({*stated, *found})
        if found.get(stage, 0) != stated.get(stage, 0)
    ]
