"""Tables sorted by an id out of core: in memory are some tens of thousands of rows, the others are in files."""

import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl

from pairgen.schema import Schema, check_sums, stack

_ROWS_AT_ONCE = 50_000
_ROWS_A_GROUP = 1_000  # polars reads the groups of rows alone that hold the ids it looks for


def sort_tables(tables: Iterable[pl.DataFrame], keys: Sequence[str], schema: Schema, folder: Path) -> pl.LazyFrame:
    """The rows of all `tables`, sorted by `keys`, of which the first is nearly an id; of equals first come first.

    The columns of `schema` come first; a score that a table lacks is null. They stand in files in `folder`, which is
    made anew for them and for a while holds them twice. Rows of one first key are in memory together. `SchemaError`
    where a row has none.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    samples, runs, parts, entered = pl.Series(dtype=pl.String), [], list[Path](), 0
    for number, some in enumerate(_gathered(tables, schema)):
        ordered = some.sort(keys, maintain_order=True)
        runs.append(write_run(ordered, folder / f"run-{number:05d}.parquet"))
        entered += ordered.height
        samples = samples.append(ordered[keys[0]].gather_every(_ROWS_A_GROUP, _ROWS_A_GROUP - 1))
    if not runs:
        return pl.DataFrame(schema=schema).lazy()
    cuts = samples.sort().gather_every(_ROWS_AT_ONCE // _ROWS_A_GROUP, _ROWS_AT_ONCE // _ROWS_A_GROUP - 1)
    kept = 0
    for some in by_ranges(runs, keys, cuts.unique(maintain_order=True).to_list()):
        parts.append(folder / f"part-{len(parts):05d}.parquet")
        parts[-1].write_bytes(parquet(some))
        kept += some.height
    check_sums(f"sort by {keys[0]}", entered=entered, kept=kept, dropped=0)
    for run in runs:
        run.unlink()
    return pl.scan_parquet(parts, glob=False)


def write_run(ordered: pl.DataFrame, file: Path) -> Path:
    """The file of rows that are sorted, so that `by_ranges` finds them there."""
    file.write_bytes(parquet(ordered))
    return file


def by_ranges(runs: Sequence[Path], keys: Sequence[str], cuts: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The rows of sorted files, sorted by `keys`: a table from each of `cuts`, values of the first key, to the next.

    The first has what is below them all. Ranges without rows are left out. Each looks into all `runs`: at 100 ranges
    and runs, 5,000,000 rows, that takes seconds.
    """
    first = pl.col(keys[0])
    rows = pl.concat([pl.scan_parquet(run, glob=False) for run in runs], how="diagonal")
    for lower, upper in pairwise([None, *cuts, None]):
        within = [first >= lower] if lower is not None else []
        within += [first < upper] if upper is not None else []
        some = rows.filter(*within).collect() if within else rows.collect()
        if some.height:
            yield some.sort(keys, maintain_order=True)


def parquet(table: pl.DataFrame, *, row_group_size: int | None = None) -> bytes:
    """The bytes of a Parquet file; not written straight to it, since polars hides why a disk refused."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, row_group_size=row_group_size or _ROWS_A_GROUP)
    return buffer.getvalue()


def _gathered(tables: Iterable[pl.DataFrame], schema: Schema) -> Iterator[pl.DataFrame]:
    """The rows of `tables`, in order, as tables of about `_ROWS_AT_ONCE`."""
    held: list[pl.DataFrame] = []
    for table in tables:
        held += [table] if table.height else []
        if sum(each.height for each in held) >= _ROWS_AT_ONCE:
            yield stack(held, schema)
            held = []
    if held:
        yield stack(held, schema)
