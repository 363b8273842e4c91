"""What a stage made of a row is remembered: a row that is the same the next night is not rewritten or judged again."""

import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from pairgen.digests import digest
from pairgen.memory import Memory
from pairgen.schema import Outcome

Rows = tuple[list[Any], list[Any]]


def recalled(
    rows: pl.DataFrame,
    *,
    function: Callable[[pl.DataFrame], Outcome],
    memory: Memory,
    what: Sequence[str],
    of: str,
    kept_of: str,
    named: Callable[[str], str] = str,
) -> Outcome:
    """`function(rows)`, which is asked only for the rows that it was not asked for before under the same `what`.

    For a function that makes of a row what it would make of it alone, and `what` says all else that it depends on.
    The column `of` is the id of a row; what is kept of it has that id, as it is `named` there, in the column `kept_of`.
    What is dropped since a score could not be had is not remembered.
    """
    keys = [digest(*what, json.dumps(row, sort_keys=True)) for row in rows.iter_rows(named=True)]
    found = {key: _read(value) for key, value in memory.known(set(keys)).items()}
    known = {key: each for key, each in found.items() if each is not None}
    new = rows.filter(pl.Series([key not in known for key in keys], dtype=pl.Boolean))
    outcome = function(new)
    kept, dropped = _by(outcome.kept, kept_of), _by(outcome.dropped, "id")
    made = {
        key: (kept[named(row)], dropped[row])
        for key, row in zip(keys, rows[of].to_list(), strict=True)
        if key not in known
    }
    reason = outcome.dropped.columns.index("drop_reason")
    memory.keep(
        {key: _written(each) for key, each in made.items() if not any(_unscored(row[reason]) for row in each[1])}
    )
    of_all = [(known | made)[key] for key in keys]
    return Outcome(
        pl.DataFrame([row for each, _ in of_all for row in each], schema=outcome.kept.schema, orient="row"),
        pl.DataFrame([row for _, each in of_all for row in each], schema=outcome.dropped.schema, orient="row"),
    )


def _by(table: pl.DataFrame, column: str) -> defaultdict[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for key, row in zip(table[column].to_list(), table.rows(), strict=True):
        found[key].append(row)
    return found


def _unscored(reason: str) -> bool:
    return reason.endswith("_unscored")


def _written(rows: Rows) -> bytes:
    return zlib.compress(json.dumps(rows).encode(), level=1)


def _read(value: bytes) -> Rows | None:
    """The rows of `_written`; None of anything else, which is then made anew."""
    try:
        kept, dropped = json.loads(zlib.decompress(value))
    except (zlib.error, ValueError, TypeError):
        return None
    return kept, dropped
