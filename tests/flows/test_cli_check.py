"""`contrast-pairs check`: pairs made anywhere in, every row out in its place with scores, `kept` and `drop_reason`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import flows.checking
from filters.rows import tally
from flows.checking import check_rows, gates
from flows.recipe import Recipe, read_recipe
from pairgen.given_pairs import GivenPairs, read_pairs
from pairgen.models import ModelSpecs
from tests.flows.conftest import Said
from tests.flows.test_cli import refused
from tests.flows.test_cli_rewrite import read_table
from tests.pairgen.samples import Fakes

Cli = Callable[..., Said]

FINE = "The library in Leeds opens at 9 on Monday."
RUDE = "You idiot, the library in Leeds opens at 9 on Monday."
PAIRS: list[tuple[str | None, str | None, str | None]] = [
    (FINE, RUDE, None),
    (None, RUDE, "empty"),
    ("Nobody has to wait for the bus.", "", "empty"),
    (RUDE, RUDE, "toxicity"),
    ("The soup is cold.", "The soup is cold.", "copy"),
    (FINE.replace("9", "10"), RUDE, "numbers_kept"),
    (FINE.replace("Leeds", "Porto"), RUDE, "entities_kept"),
    ("I'm sorry, but I can't help with that.", RUDE, "similarity"),
    ("Sure! Here is the rewritten text: " + FINE, RUDE, "preamble"),
    ("Good. " * 2_000, RUDE, "too_long"),
    (FINE, RUDE * 200, "too_long"),
    ("La bibliothèque de Leeds ouvre ses portes à neuf heures.", RUDE, "other_language"),
    (FINE, RUDE, "near_duplicate"),
    (
        "  naïve “quotes”, a \u2028 and 🙂 are\nfine, he said ",
        'naïve “quotes”, a \u2028 and 🙂, are, "fine", you idiot',
        None,
    ),
]
IDS = ["007", "1", "a,b", "", "x", None, "y", "007", "z", " z", "k", "l", "m", "n"]
REASONS = [reason for _, _, reason in PAIRS]


def write_source(file: Path) -> pl.DataFrame:
    """`PAIRS` in `file`, and the table that it then holds: a tsv file has no empty texts, and no cell of two lines."""
    table = pl.DataFrame(
        {
            "pair_id": IDS,
            "positive": [positive for positive, _, _ in PAIRS],
            "likes": range(len(PAIRS)),
            "negative": [negative for _, negative, _ in PAIRS],
        }
    )
    match file.suffix:
        case ".csv":
            table.write_csv(file)
        case ".tsv":
            texts = pl.col(pl.String).str.replace_all("\n", " ").replace("", None)
            table = table.with_columns(texts)
            table.write_csv(file, separator="\t", quote_style="never")
        case ".jsonl":
            table.write_ndjson(file)
        case ".parquet":
            table.write_parquet(file)
    return table


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests, so that what is scored once is remembered."""
    return tmp_path_factory.mktemp("checking") / "store"


# Tables ---------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("read", "written"), [(".csv", ".parquet"), (".tsv", ".csv"), (".jsonl", ".jsonl"), (".parquet", ".csv")]
)
def test_every_row_comes_back_in_its_place(cli: Cli, store: Path, tmp_path: Path, read: str, written: str) -> None:
    source, out = tmp_path / f"in{read}", tmp_path / f"out{written}"
    given = write_source(source)

    said = cli("check", source, out, "--store", store)

    table = read_table(out)
    kinds = [each.kind for each in embedded().filters]
    assert (said.code, said.err) == (0, "")
    assert table.columns == [*given.columns, *(f"score_{kind}" for kind in kinds), "kept", "drop_reason"]
    assert table.select(pl.col(given.columns).cast(pl.String)).rows() == given.select(pl.all().cast(pl.String)).rows()
    assert table["drop_reason"].to_list() == REASONS
    kept = [str(cell).lower() for cell in table["kept"]]
    assert kept == [str(reason is None).lower() for reason in REASONS]
    for kind in kinds:
        nulls = [score is None for score in table[f"score_{kind}"]]
        faulty = [reason in ("empty", "too_long", "other_language") for reason in REASONS]
        across = [reason not in (None, "near_duplicate") for reason in REASONS]
        assert nulls == (across if kind == "near_duplicate" else faulty)
    assert "idiot" not in said.out
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([source.name, out.name])


@pytest.mark.slow
def test_the_summary_and_the_json_say_the_same(cli: Cli, store: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    write_source(source)
    check = ("check", source, out, "--store", store)

    told = json.loads(cli(*check, "--json").out)
    first = out.read_bytes()
    people = cli(*check).out

    assert out.read_bytes() == first
    assert told.pop("seconds") >= 0
    assert told == {
        "rows": 14,
        "kept": 2,
        "dropped": 12,
        "drop_reasons": {reason: REASONS.count(reason) for reason in told["drop_reasons"]},
        "out": str(out),
    }
    assert sum(told["drop_reasons"].values()) == 12
    assert people.split()[:8] == ["rows", "kept", "dropped", "seconds", "why", "14", "2", "12"]
    assert "empty 2, too_long 2, copy 1, " in " ".join(people.split())
    assert str(out) in people


@pytest.mark.slow
def test_what_was_checked_can_be_checked_again(cli: Cli, store: Path, tmp_path: Path) -> None:
    source, once, twice = tmp_path / "in.parquet", tmp_path / "once.parquet", tmp_path / "twice.parquet"
    pl.DataFrame({"prompt": ["When?"], "chosen": [FINE], "rejected": [RUDE]}).write_parquet(source)

    cli("check", source, once, "--store", store)
    cli("check", once, twice, "--store", store)

    assert pl.read_parquet(once).columns[:3] == ["prompt", "chosen", "rejected"]
    assert pl.read_parquet(once)["kept"].to_list() == [True]
    assert once.read_bytes() == twice.read_bytes()


# Rows, with models that count words -----------------------------------------------------------------------------------


def embedded(*kinds: str) -> Recipe:
    """The embedded recipe, with its filters of these kinds only if any are named."""
    recipe = read_recipe("embedded", sources=["x"])
    filters = tuple(each for each in recipe.filters if not kinds or each.kind in kinds)
    return recipe.model_copy(update={"filters": filters})


def given(folder: Path, *rows: dict[str, Any]) -> GivenPairs:
    file = folder / "in.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_pairs(str(file))


@pytest.mark.parametrize("rows", [1, 3, 256])
def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: int) -> None:
    monkeypatch.setattr(flows.checking, "ROWS_A_CHUNK", rows)
    fakes = Fakes()

    def quiet(_specs: ModelSpecs, _memory: Path) -> Fakes:
        return fakes

    monkeypatch.setattr(flows.checking, "load_models", quiet)
    pairs = [{"positive": positive, "negative": negative} for positive, negative, _ in PAIRS]

    checked = check_rows(
        given(tmp_path, *pairs), embedded("toxicity", "copy", "numbers_kept", "near_duplicate"), memory=tmp_path
    )

    assert checked.select("positive", "negative").to_dicts() == pairs
    assert tally(checked) == {
        "rows": 14,
        "kept": 4,
        "dropped": 10,
        "drop_reasons": {
            "empty": 2,
            "numbers_kept": 2,
            "too_long": 2,
            "copy": 1,
            "near_duplicate": 1,
            "other_language": 1,
            "toxicity": 1,
        },
    }


def test_identical_sides_are_never_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def quiet(_specs: ModelSpecs, _memory: Path) -> Fakes:
        return Fakes()

    monkeypatch.setattr(flows.checking, "load_models", quiet)
    recipe = embedded("toxicity")

    checked = check_rows(given(tmp_path, {"positive": "Fine.", "negative": "fine. "}), recipe, memory=tmp_path)

    assert checked.select("kept", "drop_reason").rows() == [(False, "copy")]
    assert [each.kind for each in gates(embedded())] == [each.kind for each in embedded().filters]


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "content", "out", "line"),
    [
        ("gone.csv", None, "out.csv", "gone.csv: no such file; give a .csv, .tsv, "),
        ("empty.csv", b"", "out.csv", "empty.csv: is empty; "),
        ("head.csv", b"positive,negative\n", "out.csv", "head.csv: holds no rows; "),
        ("in.docx", b"damn", "out.csv", "in.docx: .docx is no known format; there are: .csv, "),
        (
            "in.csv",
            b"text,b\n1,2\n",
            "out.csv",
            "in.csv: no columns of pairs; expected positive and negative (context, ",
        ),
        ("in.txt", b"damn\n", "out.csv", "in.txt: no columns of pairs; expected positive and negative (context, "),
        ("in.jsonl", b'{"positive": "a"\n', "out.csv", "in.jsonl: line 1 is no JSON "),
        ("in.csv", b"positive,negative\na,b\n", "out.txt", "out.txt: .txt is no format that holds a table; name a "),
        ("in.csv", b"positive,negative\na,b\n", "in.csv", "in.csv: is the file that is read; name another one"),
        ("in.csv", b"positive,negative\na,b\n", "no/out.csv", "no/out.csv: there is no folder no; make it first: "),
        (
            "in.csv",
            b'positive,negative\n"a\tb",b\n',
            "out.tsv",
            "out.tsv: positive of row 1 holds a tab or a line break",
        ),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(
    cli: Cli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    content: bytes | None,
    out: str,
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(source).write_bytes(content)

    assert refused(cli("check", source, out)).startswith(line)
    assert [file.name for file in tmp_path.iterdir()] == [source] * (content is not None)
    assert content is None or Path(source).read_bytes() == content


def test_a_wrong_recipe_or_store(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("positive,negative\na,b\n")

    assert refused(cli("check", "in.csv", "out.csv", "--recipe", "no")).startswith("no: no such recipe; ")
    assert refused(cli("check", "in.csv", "out.csv", "--store", "in.csv")).startswith(
        "in.csv: is a file, a store is a "
    )
    assert cli("check", "in.csv").code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["in.csv"]
