"""Shards: how a table goes from stage to stage on disk, so that memory follows the shard and not the corpus.

A shard is a folder; a stage reads the tables it needs there and leaves what it kept (STAGE.parquet), what it dropped
(STAGE.dropped.parquet) and its row of the funnel (STAGE.json).
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pairgen.corpus import SourceFacts, SourceSettings, read_source
from pairgen.schema import DROPPED, FUNNEL, Outcome, Schema, check_sums, stack

Count = Callable[[pl.DataFrame], int]


class Shards(NamedTuple):
    """The folders of the shards, each with its raw.parquet, and what is known of the sources."""

    folders: list[Path]
    facts: list[SourceFacts]


def write_shards(work: Path, settings: SourceSettings, *, rows_per_shard: int) -> Shards:
    """Every source, cut into shards by the digests of its texts: where a text goes does not depend on the row order."""
    tables, facts = zip(*(read_source(path, settings) for path in settings.paths), strict=True)
    rows = pl.concat(tables)
    bits = max(0, math.ceil(math.log2(rows.height / rows_per_shard)))
    bucket = pl.col("text_id").str.head(4).str.to_integer(base=16) // 2 ** (16 - bits)
    folders = []
    for (number,), part in rows.sort("text_id").group_by(bucket, maintain_order=True):
        folder = work / f"shard-{number:05d}"
        folder.mkdir(parents=True)
        part.write_parquet(folder / "raw.parquet")
        folders.append(folder)
    return Shards(folders, list(facts))


def advance(
    shard: Path,
    stage: str,
    function: Callable[..., Outcome],
    *,
    reads: Sequence[str],
    unit: str = "text",
    entered: Count = len,
    kept: Count = len,
) -> Path:
    """Run `function` on the tables of `shard` that earlier stages named `reads` left, and leave its outcome there.

    Nothing vanishes: raises `SchemaError` unless `entered` of the first table = `kept` of what was kept + rows dropped.
    """
    tables = [pl.read_parquet(shard / f"{name}.parquet") for name in reads]
    outcome = function(*tables)
    counts = {"entered": entered(tables[0]), "kept": kept(outcome.kept), "dropped": outcome.dropped.height}
    check_sums(stage, **counts)
    outcome.kept.write_parquet(shard / f"{stage}.parquet")
    outcome.dropped.write_parquet(shard / f"{stage}.dropped.parquet")
    (shard / f"{stage}.json").write_text(json.dumps({"stage": stage, "unit": unit, **counts}))
    return shard


def gather(shards: Sequence[Path], stage: str, schema: Schema) -> pl.DataFrame:
    """What `stage` kept in all `shards`."""
    return stack([pl.read_parquet(shard / f"{stage}.parquet") for shard in shards], schema)


def gather_dropped(shards: Sequence[Path]) -> pl.DataFrame:
    """What any stage dropped in any of `shards`."""
    return stack(
        [pl.read_parquet(file) for shard in shards for file in sorted(shard.glob("*.dropped.parquet"))], DROPPED
    )


def funnel(shards: Sequence[Path], stages: Sequence[str]) -> pl.DataFrame:
    """A row a stage, summed over the `shards` that went through it, in the order of `stages`.

    A source without references has no row of them.
    """
    files = [shard / f"{stage}.json" for stage in stages for shard in shards]
    counted = pl.DataFrame([json.loads(file.read_text()) for file in files if file.exists()], schema=FUNNEL)
    summed = counted.group_by("stage", "unit", maintain_order=True).agg(pl.col("entered", "kept", "dropped").sum())
    return summed.filter((pl.col("unit") != "reference") | (pl.col("entered") > 0))
