"""Writing a table where a user asked for it: csv, tsv, jsonl or parquet by its suffix, whole or not at all."""

import json
import os
from pathlib import Path

import polars as pl

from pairgen.errors import OutputError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_FORMATS = ", ".join(SUFFIXES[:-1]) + f" or {SUFFIXES[-1]}"


def check_output(out: Path, *, source: str) -> None:
    """Raise `OutputError` where no table can be written at `out`, or where it would replace its own `source`."""
    if out.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{out}: {out.suffix or 'no suffix'} is no format that holds a table; name a {_FORMATS} file instead"
        )
    try:
        if out.is_dir():
            raise OutputError(f"{out}: is a folder; name a {_FORMATS} file in it")
        if not out.parent.is_dir():
            raise OutputError(f"{out}: there is no folder {out.parent}; make it first: mkdir -p {out.parent}")
        if out.exists() and Path(source).exists() and out.samefile(source):
            raise OutputError(f"{out}: is the file that is read; name another one, so that no text is lost")
        probe = _beside(out)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); name a file in another folder") from error


def check_cells(out: Path, table: pl.DataFrame) -> None:
    """Raise `OutputError` where `table` holds what the format of `out` cannot: bytes; a tab or a line break in tsv."""
    for name, dtype in table.schema.items():
        if out.suffix.lower() != ".parquet" and ("Binary" in str(dtype) or dtype == pl.Object):
            raise OutputError(f"{out}: {name} holds {dtype}, which {out.suffix[1:]} cannot; name a .parquet file")
    if out.suffix.lower() != ".tsv":
        return
    for name in [name for name, dtype in table.schema.items() if dtype == pl.String]:
        broken = table[name].str.contains(r"[\t\n\r]").fill_null(False).arg_true()
        if broken.len():
            raise OutputError(
                f"{out}: {name} of row {broken[0] + 1} holds a tab or a line break, which tsv cannot; "
                "name a .csv, .jsonl or .parquet file"
            )


def write_table(table: pl.DataFrame, out: Path) -> None:
    """`table` in the file `out`, which stays as it was where that fails; in csv and tsv, a nested cell is JSON."""
    temporary = _beside(out)
    try:
        match out.suffix.lower():
            case ".parquet":
                table.write_parquet(temporary)
            case ".csv":
                _flat(table).write_csv(temporary)
            case ".tsv":
                _flat(table).write_csv(temporary, separator="\t", quote_style="never")
            case _:
                table.write_ndjson(temporary)
        temporary.replace(out.resolve())
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); is there room, may it be written?") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_page(page: str, out: Path) -> None:
    """An HTML page in the file `out`, which stays as it was where that fails."""
    if out.suffix.lower() != ".html":
        raise OutputError(f"{out}: {out.suffix or 'no suffix'} is no page; name a .html file instead")
    temporary = _beside(out)
    try:
        temporary.write_text(page, encoding="utf-8", newline="")
        temporary.replace(out.resolve())
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); name a file in another folder") from error
    finally:
        temporary.unlink(missing_ok=True)


def _beside(out: Path) -> Path:
    """A name of this process's own in the folder of `out`, or of what it links to."""
    whole = out.resolve()
    return whole.with_name(f".{whole.name}.{os.getpid()}")


def _flat(table: pl.DataFrame) -> pl.DataFrame:
    """`table` with every nested cell as its JSON."""
    nested = [name for name, dtype in table.schema.items() if dtype.is_nested()]
    cells = {
        name: [None if cell is None else json.dumps(cell, default=str) for cell in table[name].to_list()]
        for name in nested
    }
    return table.with_columns(pl.Series(name, column, dtype=pl.String) for name, column in cells.items())
