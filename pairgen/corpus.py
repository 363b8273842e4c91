"""Reading any source as a corpus: files of every usual format, `datasets` folders, hub data sets, the packaged demo.

`read_source` gives rows as they stand, `read_in_batches` so many at a time; `clean` makes texts of them, and drops a
faulty row with its reason. `read_texts` gives ids and texts alone, to be answered one for one; `read_every_text` all
that a file says.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, cast

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from pairgen.digests import digest, normalise
from pairgen.errors import SourceError
from pairgen.language import is_in, languages
from pairgen.remote_file import copy_of, refuse_secret
from pairgen.schema import REFERENCES, TEXTS, Outcome, Schema, drop, empty
from pairgen.splits import SplitSettings, split_of

RAW: Schema = {
    **{name: pl.String() for name in ("text_id", "text", "context", "source", "source_id", "licence")},
    "references": REFERENCES,
}

_BEGINNING = 65_536  # bytes
_ROWS_A_BATCH = 50_000
_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".txt")
_WRITTEN_LIST = r"""(?s)^\[\s*["'].*["']\s*\]$"""  # what a list becomes in a csv, or beside strings in a jsonl
_COLUMN_NAME = re.compile(r"[\w.:-]{1,40}")
_KNOWN_COLUMNS = {
    "text": ("text", "comment_text", "comment", "body", "content", "sentence", "message", "post", "tweet", "toxic"),
    "context": ("context", "parent_text", "parent_comment", "parent", "prompt", "reply_to", "in_reply_to_text"),
    "id": ("id", "text_id", "comment_id", "post_id", "message_id", "rev_id", "tweet_id", "uuid"),
    "references": (),
}
CONTROL_CHARACTERS = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x80-\x84\x86-\x9F]"
BIDIRECTIONAL_CONTROLS = r"[\u202A-\u202E\u2066-\u2069]"


class SourceSettings(BaseModel):
    """The `[source]` section: where the corpus lies, which columns hold what, and what a text may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paths: tuple[str, ...] = ()
    text: str | None = None
    context: str | None = None
    id: str | None = None
    references: str | None = None
    licence: str = "unknown"
    language: str = Field(default="en", min_length=2, max_length=3)
    max_characters: int = Field(default=5_000, ge=1)


@dataclass(frozen=True)
class SourceFacts:
    """What was read: the source's name, its path, the rows in it, and the sha256 of its bytes.

    Of a hub data set it is the sha256 of its rows.
    """

    name: str
    path: str
    rows: int
    sha256: str
    licence: str

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)


def read_source(path: str, settings: SourceSettings) -> tuple[pl.DataFrame, SourceFacts]:
    """The rows at `path` as a `RAW` table, in their order, and what was read.

    `path` is a csv, tsv, jsonl, parquet or txt file (a line a text), here or at a URL that fsspec knows, the folder of
    a `datasets` data set, `hf:org/name@revision`, or `package:demo`. Texts are as they stand; `text_id` is the digest
    of the normalised text and context. Raises `SourceError` where nothing can be read, or no column holds the texts.
    """
    tables: list[pl.DataFrame] = []
    facts = read_in_batches(path, settings, tables.append)
    return pl.concat(tables), facts


def read_in_batches(path: str, settings: SourceSettings, take: Callable[[pl.DataFrame], object]) -> SourceFacts:
    """What `read_source` gives, handed to `take` one table of rows after the other; only one is in memory."""
    if _is_hub(path):
        name = path.removeprefix("hf:").partition("@")[0].replace("/", "--")
    else:
        name = "demo" if path == "package:demo" else Path(path).stem
    rows, of_rows = 0, hashlib.sha256()
    for table in _batches(path):
        take(_raw(path, name, table, settings))
        rows += table.height
        if _is_hub(path):
            of_rows.update(table.write_ndjson().encode())
    sha256 = source_sha256(path) or of_rows.hexdigest()
    return SourceFacts(name=name, path=path, rows=rows, sha256=sha256, licence=settings.licence)


def _raw(path: str, name: str, table: pl.DataFrame, settings: SourceSettings) -> pl.DataFrame:
    columns = {role: _column(path, table, role, getattr(settings, role)) for role in _KNOWN_COLUMNS}
    text = pl.col(columns["text"] or "").cast(pl.String)
    raw = table.select(
        text=text.fill_null(""),
        context=pl.col(columns["context"]).cast(pl.String).fill_null("") if columns["context"] else pl.lit(""),
        source=pl.lit(name),
        source_id=pl.col(columns["id"]).cast(pl.String) if columns["id"] else pl.lit(None, pl.String),
        licence=pl.lit(settings.licence),
        references=_lists(path, table, columns["references"]),
    )
    ids = [digest(normalise(text), normalise(context)) for text, context in raw.select("text", "context").iter_rows()]
    return raw.with_columns(text_id=pl.Series(ids, dtype=pl.String)).select(*RAW)


def read_texts(path: str, *, text_column: str | None = None) -> pl.DataFrame:
    """Every row at `path`, in order: `id` as it stands, if there is a column of ids, and `text`, null where it is.

    Reads what `read_source` reads. Raises `SourceError` where nothing can be read, or no column holds the texts.
    """
    table = read_rows(path)
    text = _column(path, table, "text", text_column, option="--text-column")
    id_column = _column(path, table, "id", None)
    ids = {"id": pl.col(id_column)} if id_column else {}
    return table.select(**ids, text=pl.col(text or "").cast(pl.String))


def read_every_text(path: str) -> tuple[list[str], str]:
    """Every text at `path`, in whatever column, list or struct it stands, and the sha256 as in `SourceFacts`.

    Reads what `read_source` reads. Raises `SourceError` where nothing can be read, or no column holds a text.
    """
    table = read_rows(path)
    texts = [text for column in table for text in _strings(column)]
    if not any(text.strip() for text in texts):
        raise SourceError(f"{path}: no column holds texts; there are: {header(table)}")
    return texts, source_sha256(path) or hashlib.sha256(table.write_ndjson().encode()).hexdigest()


def _strings(column: pl.Series) -> list[str]:
    if isinstance(column.dtype, pl.List | pl.Array):
        return _strings(column.explode())
    if isinstance(column.dtype, pl.Struct):
        return [text for field in column.struct.unnest() for text in _strings(field)]
    return column.drop_nulls().cast(pl.String).to_list() if _fits(column.dtype, "text") else []


def clean(raw: pl.DataFrame, *, settings: SourceSettings, split: SplitSettings) -> Outcome:
    """`RAW` rows as `TEXTS`, each with its split; a faulty row or a second copy of a text is dropped with its reason.

    The order is that of (text_id, source, source_id), whatever the order of `raw`: of equal texts the first stays, with
    the references of all.
    """
    raw = raw.sort("text_id", "source", "source_id", "text", "context", "references", nulls_last=True)
    # Only a sound text has duplicates: a faulty one, dropped for itself, may have the id of a sound one.
    copies = pl.col("reason").is_null() & ~pl.struct("text_id", pl.col("reason").is_null()).is_first_distinct()
    judged = raw.with_columns(reason=text_faults(raw["text"], settings)).with_columns(
        reason=pl.when(copies).then(pl.lit("duplicate")).otherwise("reason")
    )
    faulty = judged.filter(pl.col("reason").is_not_null())
    sound = pl.col("reason").is_null() | (pl.col("reason") == "duplicate")
    written = judged.filter(sound).group_by("text_id").agg(pl.col("references").explode().str.strip_chars())
    kept = (
        judged.filter(pl.col("reason").is_null())
        .drop("reason", "references")
        .join(written, on="text_id", how="left", maintain_order="left")
        .with_columns(
            text=pl.col("text").str.strip_chars(),
            context=pl.col("context").str.replace_all(r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]", "").str.strip_chars(),
        )
    )
    splits = [
        split_of(text_id, validation_fraction=split.validation_fraction, test_fraction=split.test_fraction)
        for text_id in kept["text_id"]
    ]
    kept = kept.with_columns(split=pl.Series(splits, dtype=pl.String)).select(*TEXTS)
    dropped = drop(faulty.drop("reason"), stage="read", reason="", unit="text").with_columns(
        drop_reason=faulty["reason"]
    )
    return Outcome(kept if kept.height else empty(TEXTS), dropped)


def text_faults(texts: pl.Series, settings: SourceSettings) -> pl.Series:
    """Why each of `texts` can be nothing: empty (or null), too long, without letters and the like; null if it is sound.

    `SourceError` where nobody can tell the language of `settings`.
    """
    text = pl.col("text")
    reasons = (
        pl.when(text.str.strip_chars() == "").then(pl.lit("empty"))
        .when(text.str.contains(CONTROL_CHARACTERS)).then(pl.lit("control_characters"))
        .when(text.str.contains(BIDIRECTIONAL_CONTROLS)).then(pl.lit("bidirectional_controls"))
        .when(text.str.len_chars() > settings.max_characters).then(pl.lit("too_long"))
        .when(~text.str.contains(r"\p{L}")).then(pl.lit("no_letters"))
        .otherwise(_language_fault(texts.fill_null("").to_list(), settings.language))
    )  # fmt: skip
    return pl.DataFrame({"text": texts.fill_null("")}).select(reason=reasons)["reason"]


def _language_fault(texts: Sequence[str], language: str) -> pl.Expr:
    """ "other_language" for a text that is, almost surely, not in `language`; `SourceError` where nobody can tell."""
    if language not in languages():
        raise SourceError(
            f"source.language: {language!r} cannot be told from others; there are: {', '.join(languages())}"
        )
    faults = [None if is_in(text, language) else "other_language" for text in texts]
    return pl.lit(pl.Series(faults, dtype=pl.String))


def _column(path: str, table: pl.DataFrame, role: str, named: str | None, *, option: str | None = None) -> str | None:
    """The column for `role`: the `named` one, or one that is usually called so.

    It is named by the `option` of a command, or else in the recipe.
    """
    setting, cure = (option, f"with {option}") if option else (f"source.{role}", f"in the recipe as source.{role}")
    there = header(table)
    if named is not None:
        if named not in table.columns:
            raise SourceError(f"{path}: no column {named!r} for {setting}; there are: {there}")
        expected = "texts or lists of texts" if role == "references" else "texts"
        if not _fits(table.schema[named], role if role == "references" else "id"):
            raise SourceError(f"{path}: column {named!r} holds {table.schema[named]}, {setting} expects {expected}")
        return named
    fitting = [name for name in table.columns if _fits(table.schema[name], role)]
    lowered = {name.casefold(): name for name in reversed(fitting)}
    found = next((lowered[name] for name in _KNOWN_COLUMNS[role] if name in lowered), None)
    if role == "text" and found is None:
        raise SourceError(f"{path}: no column holds the texts; name it {cure}; there are: {there}")
    return found


def header(table: pl.DataFrame) -> str:
    """The columns of `table`, to be told in an error, unless the first line is a text and no header."""
    if all(_COLUMN_NAME.fullmatch(name) for name in table.columns):
        return ", ".join(repr(name) for name in table.columns)
    return f"{table.width} columns, unnamed (is the header line missing?)"


def _fits(dtype: pl.DataType, role: str) -> bool:
    """Whether a column may be taken for `role`: texts; for an id what can be written out, for references lists too."""
    if role == "id":
        return not (dtype.is_nested() or dtype in (pl.Binary, pl.Object))
    if role == "references":
        dtype = cast(pl.DataType, dtype.inner) if isinstance(dtype, pl.List | pl.Array) else dtype
        return dtype == pl.Null or _fits(dtype, "text")
    return dtype in (pl.String, pl.Categorical, pl.Enum)


def _lists(path: str, table: pl.DataFrame, column: str | None) -> pl.Expr:
    """The `column` as lists of strings; a null is an empty list, and an empty string in one."""
    if column is None:
        return pl.lit([], REFERENCES)
    cells = pl.col(column)
    if not table.schema[column].is_nested():
        if table[column].cast(pl.String).str.contains(_WRITTEN_LIST).any():
            raise SourceError(
                f"{path}: column {column!r} holds lists written out as strings, source.references expects texts or "
                "lists of texts; give a jsonl or parquet file of lists, or a row a reference"
            )
        cells = pl.when(cells.is_not_null()).then(pl.concat_list(cells.cast(pl.String)))
    return cells.cast(REFERENCES).list.eval(pl.element().fill_null("")).fill_null([])


def check_source(path: str) -> None:
    """Raise `SourceError` where `path` cannot be a source: not there, not to be read, empty, no known format, no UTF-8.

    Reads the beginning of a file at most, so that a mistake is told before any work is done; asks no hub, but what is
    at a URL is copied here.
    """
    if _is_hub(path) or path == "package:demo":
        return
    file = _file(path)
    with _told_of(path, file):
        _check_file(file)


def _check_file(file: Path) -> None:
    try:
        if not file.exists():
            raise SourceError(
                f"{file}: no such file; give a {', '.join(_SUFFIXES)} file, a folder of a data set, or hf:ORG/NAME"
            )
        if file.is_dir():
            return
        _check_suffix(file, file.suffix)
        if not file.stat().st_size:
            raise SourceError(f"{file}: is empty; a corpus of at least one text is expected")
        with file.open("rb") as stream:
            beginning = stream.read(_BEGINNING)
        if file.suffix.lower() != ".parquet":
            codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except PermissionError as error:
        raise SourceError(f"{file}: may not be read; check its permissions") from error
    except UnicodeDecodeError as error:
        raise SourceError(_encoding_fault(file, error.start)) from error


@contextmanager
def _told_of(path: str, file: Path | None) -> Iterator[None]:
    """What is wrong in `file`, the copy of what is at a URL, is told of the URL."""
    try:
        yield
    except SourceError as error:
        if "://" not in path:
            raise
        raise SourceError(str(error).replace(str(file), path)) from error


def _check_suffix(file: Path | str, suffix: str) -> None:
    if suffix.lower() not in _SUFFIXES:
        raise SourceError(f"{file}: {suffix or 'no suffix'} is no known format; there are: {', '.join(_SUFFIXES)}")


def read_rows(path: str) -> pl.DataFrame:
    """Every row at `path` as it stands, csv and tsv as strings; `SourceError` where nothing can be read."""
    return pl.concat(_batches(path))


def _batches(path: str) -> Iterator[pl.DataFrame]:
    """The rows at `path` in tables of one schema, none of them empty; `SourceError` where there is no row."""
    there = False
    file = None if _is_hub(path) else _file(path)
    with _told_of(path, file):
        for table in _hub(path) if file is None else _local(file):
            if table.height:
                there = True
                yield table
    if not there:
        raise SourceError(f"{path}: holds no rows; a corpus of at least one text is expected")


def _file(path: str) -> Path:
    """The file that `path` means, of a URL a copy; `package:NAME/PATH` is one in the installed package NAME."""
    if path == "package:demo":
        return Path(str(files("pairgen") / "demo" / "comments.jsonl"))
    protocol, url, rest = path.partition("://")
    if url and protocol in ("file", "local"):
        return Path(rest)
    if url:
        refuse_secret(path)
        _check_suffix(path, Path(rest).suffix)
        return copy_of(path)
    scheme, _, rest = path.partition(":")
    if scheme != "package":
        return Path(path)
    package, _, inside = rest.partition("/")
    found = find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise SourceError(f"{path}: no package {package!r} is installed; give package:demo or package:NAME/PATH")
    return Path(next(iter(found.submodule_search_locations))) / inside


def _local(file: Path) -> Iterator[pl.DataFrame]:
    _check_file(file)
    try:
        yield from _folder(file) if file.is_dir() else _parsed(file, file.suffix.lower())
    except PermissionError as error:
        raise SourceError(f"{file}: may not be read; check its permissions") from error
    except UnicodeDecodeError as error:
        raise SourceError(_encoding_fault(file, _first_bad_byte(file))) from error
    except (pl.exceptions.PolarsError, OSError) as error:
        if "utf-8" in str(error).lower() or "utf8" in str(error).lower():
            raise SourceError(_encoding_fault(file, _first_bad_byte(file))) from error
        raise SourceError(f"{file}: cannot be read as {file.suffix[1:]}: {_without_cells(error)}") from error


def _parsed(file: Path, suffix: str) -> Iterator[pl.DataFrame]:
    match suffix:
        case ".parquet":
            yield from _collected(pl.scan_parquet(file, glob=False))
        case ".csv":
            yield from _collected(pl.scan_csv(file, infer_schema=False, glob=False))
        case ".tsv":
            yield from _collected(pl.scan_csv(file, infer_schema=False, glob=False, separator="\t", quote_char=None))
        case ".txt":
            with file.open(encoding="utf-8-sig") as stream:
                while lines := list(islice(stream, _ROWS_A_BATCH)):
                    yield pl.DataFrame({"text": [line.removesuffix("\n") for line in lines]})
        case _:  # twice, for a type may change far down
            found = [pl.read_ndjson(lines, infer_schema_length=None).head(0) for lines in _json_lines(file)]
            schema = pl.concat(found, how="diagonal_relaxed").schema if found else None
            for some in _json_lines(file):
                yield pl.read_ndjson(some, schema=schema)


def _collected(rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    return rows.collect_batches(chunk_size=_ROWS_A_BATCH, lazy=True)


def _without_cells(error: Exception) -> str:
    """The first line of a parser's message without what it quotes of the file: that may be a toxic text."""
    sentence, quote, _ = str(error).strip().splitlines()[0].partition("`")
    return f"{sentence.strip()} a cell; is a quote left open?" if quote else sentence


def _json_lines(file: Path) -> Iterator[bytes]:
    """The lines of `file` that are not blank, so many at a time; `SourceError` where one is no JSON object."""
    with file.open("rb") as stream:
        lines = (line for number, line in enumerate(stream, 1) if _is_json(file, number, line))
        while some := list(islice(lines, _ROWS_A_BATCH)):
            yield b"".join(some).removeprefix(codecs.BOM_UTF8)


def _is_json(file: Path, number: int, line: bytes) -> bool:
    """Whether `line` holds a JSON object, or nothing; polars says neither which line is wrong nor why."""
    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    try:
        row = json.loads(text, parse_constant=_no_number) if text.strip() else {}
    except ValueError as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise SourceError(f"{file}: line {number} is no JSON ({why}); a JSON object a line is expected") from error
    if not isinstance(row, dict):
        raise SourceError(f"{file}: line {number} is no JSON object; a JSON object a line is expected")
    return bool(text.strip())


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _first_bad_byte(file: Path) -> int:
    place = 0
    with file.open("rb") as stream:
        for line in stream:
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return place + error.start
            place += len(line)
    return -1


def _encoding_fault(file: Path, place: int) -> str:
    cure = f"iconv -f WINDOWS-1252 -t UTF-8 {file.name} > utf8{file.suffix}"
    return f"{file}: is not UTF-8 (byte {place}); convert it: {cure}"


def _folder(folder: Path) -> Iterator[pl.DataFrame]:
    import datasets

    try:
        if (folder / "dataset_dict.json").exists() or (folder / "state.json").exists():
            yield from _rows_of(datasets.load_from_disk(str(folder)))
        else:
            yield from _rows_of(datasets.load_dataset(str(folder)))
    except Exception as error:  # the library raises builders' own classes
        raise SourceError(f"{folder}: is no data set that `datasets` can load: {str(error).splitlines()[0]}") from error


def _hub(path: str) -> Iterator[pl.DataFrame]:
    import datasets

    name, _, revision = path.removeprefix("hf:").partition("@")
    try:
        yield from _rows_of(datasets.load_dataset(name, revision=revision or None))
    except Exception as error:  # the hub client raises over a dozen unrelated classes for "cannot be had"
        raise SourceError(
            f"{path}: cannot be loaded ({str(error).splitlines()[0]}); is the hub reachable, the name right?"
        ) from error


def _rows_of(data: Any) -> Iterator[pl.DataFrame]:
    """All rows of a `Dataset`, or of every split of a `DatasetDict`, one after the other."""
    parts = [part.with_format("arrow") for part in (data.values() if isinstance(data, dict) else [data])]
    columns = pl.concat([pl.DataFrame(part[:0]) for part in parts], how="diagonal_relaxed")
    for part in parts:
        for rows in part.iter(_ROWS_A_BATCH):
            yield pl.concat([columns, pl.DataFrame(rows)], how="diagonal_relaxed")


def _is_hub(path: str) -> bool:
    return path.startswith("hf:") and not path.startswith("hf://")  # that is a file there, for fsspec


def source_sha256(path: str) -> str | None:
    """Of the bytes at `path`, `SourceError` where they cannot be read; None for a hub data set, known by its rows."""
    if _is_hub(path):
        return None
    check_source(path)
    try:
        return _sha256(_file(path))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read any more ({error.strerror}); is its disk still there?") from error


def _sha256(path: Path) -> str:
    """Of a file's bytes; of a folder, over path and sha256 of each of its files, in the order of their paths."""
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    files = (file for file in sorted(path.rglob("*")) if file.is_file())
    inside = (
        f"{file.relative_to(path).as_posix()} {_sha256(file)}\n" for file in files
    )  # a name may say how it is read
    return hashlib.sha256("".join(inside).encode()).hexdigest()
