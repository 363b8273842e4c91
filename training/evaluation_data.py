"""What models are evaluated on: prompts, clean text, faithful and unfaithful texts, questions; ours or from files."""

import json
from collections.abc import Callable, Collection, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from pairgen.digests import digest
from pairgen.errors import TrainingError
from training.settings import EvaluateSettings

PROMPT_KINDS = ("challenging", "harmless")
PARTS = ("control", "report")  # the text that controls a training is never the text that reports on it
_TOXIC = 0.5
_Row = dict[str, Any]


class Benchmarks(NamedTuple):
    """The tables of an evaluation; those with a name have their figures under it."""

    prompts: pl.DataFrame
    clean_text: pl.DataFrame
    faithfulness: dict[str, pl.DataFrame]
    choices: dict[str, pl.DataFrame]


def load_benchmarks(settings: EvaluateSettings, held_out: pl.DataFrame | None = None) -> Benchmarks:
    """What `settings` name, each under the stem of its file; and the test split of `held_out` (a `pairs` table).

    `TrainingError` where two files have one stem, or different prompts of theirs one id.
    """
    _refuse_same_stem([*settings.faithfulness, "held_out"])
    _refuse_same_stem(settings.choices)
    faithfulness = {_stem(name): load_faithfulness(_path(name)) for name in settings.faithfulness}
    if held_out is not None and (rows := held_out_texts(held_out)).height:
        faithfulness["held_out"] = rows
    return Benchmarks(
        _prompts(settings.prompts),
        load_clean_text(_path(settings.clean_text)),
        faithfulness,
        {_stem(name): load_choices(_path(name)) for name in settings.choices},
    )


def _prompts(names: Sequence[str]) -> pl.DataFrame:
    """The prompts of all files; one that stands in several of them, with the same id, counts once."""
    rows = pl.concat([load_prompts(_path(name)).with_columns(file=pl.lit(name)) for name in names])
    rows = rows.unique(("id", "prompt", "kind"), keep="first", maintain_order=True)
    twice = rows.filter(pl.col("id").is_duplicated()).sort("id", maintain_order=True)
    if twice.height:
        first, second = twice["file"][:2]
        raise TrainingError(f"{first} and {second}: different prompts have the id {twice['id'][0]!r}; change one")
    return rows.drop("file")


def _refuse_same_stem(names: Sequence[str]) -> None:
    stems: dict[str, str] = {}
    for name in names:
        stem = _stem(name)
        if stem in stems:
            raise TrainingError(f"{stems[stem]} and {name}: the figures of both would be named {stem!r}; rename one")
        stems[stem] = name


def held_out_texts(pairs: pl.DataFrame) -> pl.DataFrame:
    """The test split of `pairs` in the form of `load_faithfulness`: the kind is that of the negative."""
    return (
        pairs.filter(pl.col("split") == "test")
        .select("context", id="pair_id", faithful="positive", unfaithful="negative", kind="negative_kind")
        .select("id", "context", "faithful", "unfaithful", "kind")
        .sort("id")
    )


def load_prompts(path: Path | None = None) -> pl.DataFrame:
    """id, prompt, kind ("challenging" or "harmless"); ours without a `path`, else a jsonl or parquet file.

    RealToxicityPrompts' form will do: with `prompt_toxicity` in place of `kind`, at .5 a prompt is challenging, and one
    that was not scored is left out.
    """

    def complete(row: _Row) -> _Row | None:
        if "kind" in row or "prompt_toxicity" not in row:
            return row
        if row["prompt_toxicity"] is None:
            return None
        return {**row, "kind": PROMPT_KINDS[row["prompt_toxicity"] < _TOXIC]}

    return _load(path, "prompts.jsonl", ("prompt", "kind"), allowed={"kind": PROMPT_KINDS}, complete=complete)


def load_clean_text(path: Path | None = None) -> pl.DataFrame:
    """id, text, part ("control" or "report")."""
    return _load(path, "clean_text.jsonl", ("text", "part"), allowed={"part": PARTS})


def load_faithfulness(path: Path | None = None) -> pl.DataFrame:
    """id, context, faithful, unfaithful, kind (how the unfaithful text was made; "other" where that is not told)."""
    columns = ("context", "faithful", "unfaithful", "kind")
    return _load(path, "faithfulness.jsonl", columns, complete=lambda row: {"kind": "other", **row})


def load_choices(path: Path | None = None) -> pl.DataFrame:
    """id, question, choices (a list of texts), correct (its place there): ours, or a file like TruthfulQA's MC1."""
    rows = []
    for place, row in _rows(_source(path, "choices.jsonl")):
        question, choices, correct = (row.get(key) for key in ("question", "choices", "correct"))
        if not isinstance(question, str) or not isinstance(choices, list) or len(choices) < 2:
            raise TrainingError(f"{place}: expected a question and choices, a list of two texts or more")
        if not all(isinstance(each, str) and each for each in choices):
            raise TrainingError(f"{place}: a choice is empty or no text")
        if not isinstance(correct, int) or not 0 <= correct < len(choices):
            raise TrainingError(
                f"{place}: correct is {correct!r}; expected the place of a choice, 0 to {len(choices) - 1}"
            )
        rows.append({"id": digest(question, *choices), "question": question, "choices": choices, "correct": correct})
    return pl.DataFrame(rows).unique("id", maintain_order=True).sort("id")


def _load(
    path: Path | None,
    packaged: str,
    columns: tuple[str, ...],
    *,
    allowed: dict[str, Collection[str]] | None = None,
    complete: Callable[[_Row], _Row | None] = lambda row: row,
) -> pl.DataFrame:
    """The rows of a file with their `columns`, sorted by id.

    `TrainingError` names file, line, what was found and what is expected. Where a row has no id, its digest is one, and
    the same row again is left out.
    """
    source = _source(path, packaged)
    expected = f"an object with id, {', '.join(columns)}"
    rows = []
    for place, given in _rows(source, expected):
        row = complete(given)
        if row is None:
            continue
        wrong = [name for name in columns if not isinstance(row.get(name), str) or not row[name]]
        if wrong:
            raise TrainingError(f"{place}: {wrong[0]!r} is missing or no text; expected {expected}")
        for name, words in (allowed or {}).items():
            if row[name] not in words:
                raise TrainingError(f"{place}: {name} is {row[name]!r}; there are: {', '.join(words)}")
        rows.append({"id": row.get("id"), **{name: row[name] for name in columns}})
    table = pl.DataFrame(rows, schema=dict.fromkeys(("id", *columns), pl.String))
    twice = table.filter(pl.col("id").is_not_null() & pl.col("id").is_duplicated())
    if twice.height:
        raise TrainingError(f"{source}: id {twice['id'][0]!r} stands twice; ids must be unique")
    own = [known or digest(*rest) for known, *rest in table.iter_rows()]
    return table.with_columns(id=pl.Series(own, dtype=pl.String)).unique("id", maintain_order=True).sort("id")


def _source(path: Path | None, packaged: str) -> Traversable:
    return path if path is not None else files("training") / "data" / packaged


def _rows(source: Traversable, expected: str = "rows") -> list[tuple[str, _Row]]:
    """Each row of a jsonl or parquet file with its place."""
    try:
        if source.name.endswith(".parquet"):
            content = pl.read_parquet(str(source)).to_dicts()
            rows = [(f"{source}: row {number}", row) for number, row in enumerate(content, 1)]
        else:
            lines = source.read_text(encoding="utf-8").split("\n")
            rows = [_row(line, f"{source}:{number}", expected) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise TrainingError(f"{source}: cannot be read ({error}); expected jsonl in UTF-8, or parquet") from error
    if not rows:
        raise TrainingError(f"{source}: holds no rows; expected {expected}")
    return rows


def _row(line: str, place: str, expected: str) -> tuple[str, _Row]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise TrainingError(f"{place}: no JSON ({error}); expected {expected}") from error
    if not isinstance(row, dict):
        raise TrainingError(f"{place}: no object; expected {expected}")
    return place, row


def _path(name: str) -> Path | None:
    return None if name == "package" else Path(name)


def _stem(name: str) -> str:
    return Path(name).stem
