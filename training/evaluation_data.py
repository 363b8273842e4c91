"""What models are evaluated on: prompts, clean text and faithful/unfaithful texts, packaged (ours) or from a file."""

import json
from collections.abc import Collection
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import polars as pl

from pairgen.errors import TrainingError

PROMPT_KINDS = ("challenging", "harmless")
PARTS = ("control", "report")  # the text that controls a training is never the text that reports on it


def load_prompts(path: Path | None = None) -> pl.DataFrame:
    """id, prompt, kind ("challenging" or "harmless"); ours without a `path`, else a jsonl file of that form."""
    return _load(path, "prompts.jsonl", ("id", "prompt", "kind"), allowed={"kind": PROMPT_KINDS})


def load_clean_text(path: Path | None = None) -> pl.DataFrame:
    """id, text, part ("control" or "report")."""
    return _load(path, "clean_text.jsonl", ("id", "text", "part"), allowed={"part": PARTS})


def load_faithfulness(path: Path | None = None) -> pl.DataFrame:
    """id, context, faithful, unfaithful, kind (how the unfaithful text was made; any word)."""
    return _load(path, "faithfulness.jsonl", ("id", "context", "faithful", "unfaithful", "kind"), allowed={})


def _load(
    path: Path | None, packaged: str, columns: tuple[str, ...], *, allowed: dict[str, Collection[str]]
) -> pl.DataFrame:
    """The rows of a jsonl file, sorted by id; `TrainingError` names file, line, what was found and what is expected."""
    source: Traversable = path if path is not None else files("training") / "data" / packaged
    try:
        lines = source.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{source}: cannot be read ({error}); expected a jsonl file in UTF-8") from error
    rows = [_row(line, f"{source}:{number}", columns, allowed) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise TrainingError(f"{source}: holds no rows; expected a jsonl file with {', '.join(columns)}")
    table = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)).sort("id")
    twice = table.filter(pl.col("id").is_duplicated())
    if twice.height:
        raise TrainingError(f"{source}: id {twice['id'][0]!r} stands twice; ids must be unique")
    return table


def _row(line: str, place: str, columns: tuple[str, ...], allowed: dict[str, Collection[str]]) -> dict[str, str]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise TrainingError(f"{place}: no JSON ({error}); expected an object with {', '.join(columns)}") from error
    wrong = [
        name for name in columns if not isinstance(row, dict) or not isinstance(row.get(name), str) or not row[name]
    ]
    if wrong:
        raise TrainingError(
            f"{place}: {wrong[0]!r} is missing or no text; expected an object with {', '.join(columns)}"
        )
    for name, words in allowed.items():
        if row[name] not in words:
            raise TrainingError(f"{place}: {name} is {row[name]!r}; there are: {', '.join(words)}")
    return {name: row[name] for name in columns}
