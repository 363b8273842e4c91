"""A version as files for other trainers: `trl` (prompt, chosen, rejected) or `sets` (a row a set), a file a split."""

import secrets
import shutil
from pathlib import Path

import polars as pl

from pairgen.errors import OutputError
from pairgen.schema import SPLITS
from pairgen.version import Version, brief

FORMATS = ("trl", "sets")


def trl_rows(pairs: pl.DataFrame) -> pl.DataFrame:
    """`pairs` as TRL takes them: columns `prompt`, `chosen` and `rejected`, a row a pair, in order.

    The prompt is the context and a line break, as in our own training; it is empty where there is no context, but the
    column is there: without it TRL cuts what both texts begin with into a prompt, by character.
    """
    blank = pl.col("context") == ""
    prompt = pl.when(blank).then(pl.lit("")).otherwise(pl.col("context") + "\n")
    return pairs.select(prompt=prompt, chosen="positive", rejected="negative")


def set_rows(members: pl.DataFrame) -> pl.DataFrame:
    """A row a set, by `set_id`: context, positives and negatives with the kind of each, source."""
    positive, negative = pl.col("role") == "positive", pl.col("role") == "negative"
    return (
        members.sort("set_id", "member_id")
        .group_by("set_id", maintain_order=True)
        .agg(
            context=pl.col("context").first(),
            positives=pl.col("text").filter(positive),
            positive_kinds=pl.col("kind").filter(positive),
            negatives=pl.col("text").filter(negative),
            negative_kinds=pl.col("kind").filter(negative),
            source=pl.col("source").first(),
        )
    )


def export(version: Version, out: Path, *, to: str) -> dict[str, int]:
    """Write `version` to the folder `out` as `to` (one of `FORMATS`) and say how many rows each split has.

    `out` holds train.jsonl, validation.jsonl, test.jsonl (those that have rows) and a README.md, all or nothing; the
    version is taken as it is: whether it may be used, the caller has asked. `OutputError` where `out` holds something.
    """
    if to not in FORMATS:
        raise OutputError(f"{to!r}: no format; there are: {', '.join(FORMATS)}")
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise OutputError(f"{out}: exists and is no empty folder; name another one, or remove it first")
    tables = _tables(version, to)
    work = out.with_name(f".{out.name}-{secrets.token_hex(8)}")
    try:
        work.mkdir(parents=True)
        for split, rows in tables.items():
            (work / f"{split}.jsonl").write_text(rows.write_ndjson(), encoding="utf-8", newline="")
        (work / "README.md").write_text(_readme(version, to, tables), encoding="utf-8")
        work.rename(out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({brief(error)}); name a folder with room for it") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {split: rows.height for split, rows in tables.items()}


def _tables(version: Version, to: str) -> dict[str, pl.DataFrame]:
    """The rows of each split that has any."""
    pairs = version.pairs()
    same = pairs.filter(pl.col("positive") == pl.col("negative"))["pair_id"]
    if same.len():
        raise OutputError(
            f"{version.reference}: {same.len()} pairs hold the same text twice, first pair_id {same[0]}; "
            "TRL would train on them in silence. Build again with the filter `copy`"
        )
    rows, make = (pairs, trl_rows) if to == "trl" else (version.members(), set_rows)
    parts = {split: rows.filter(pl.col("split") == split) for split in SPLITS}
    return {split: make(part) for split, part in parts.items() if part.height}


def _readme(version: Version, to: str, tables: dict[str, pl.DataFrame]) -> str:
    counts = ", ".join(f"{split} {rows.height:,}" for split, rows in tables.items())
    columns = ", ".join(next(iter(tables.values())).columns)
    return (
        f"{version.reference} as {to}: {columns}; {counts} rows; digest {version.digest}, manifest "
        f'{version.manifest["manifest_digest"]}. Load it with datasets.load_dataset("json", data_dir=THIS_FOLDER). '
        "It holds toxic text: the rejected side is there to be unlearned.\n"
    )
