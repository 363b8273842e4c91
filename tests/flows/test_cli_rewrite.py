"""`contrast-pairs rewrite`: any texts in, a table out, every row in its place; one text on the terminal, masked."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import flows.rewriting
from flows import printing
from flows.recipe import read_recipe
from flows.rewriting import rewrite_rows
from pairgen.loading import LoadedModels
from pairgen.rewriting.answer import ANSWERS, rewrite_table, tally
from tests.flows.conftest import Said
from tests.flows.test_cli import refused

Cli = Callable[..., Said]

TEXTS = [
    "Those damn idiots closed the library in Leeds at 9.",
    None,
    "Thank you for the lovely bread.",
    "",
    "  two  spaces, naïve “quotes”, a \u2028 and 🙂 ",
    "1984 !!!",
    "idiot",
    'He said "stupid ideas, again", and left.',
    "damn\x07 it",
    "Thank you for the lovely bread.",
]
IDS = ["007", "1", "a,b", "", "x", None, "y", "007", "z", " z"]
REASONS = [None, "empty", None, "empty", None, "no_letters", "nothing_left", None, "control_characters", None]


def write_source(file: Path, *, ids: bool = True) -> list[str | None]:
    """`TEXTS` in `file`, and the texts that it then holds: a txt or tsv file has no null beside the empty text."""
    table = pl.DataFrame({"post_id": IDS, "likes": range(len(TEXTS)), "body": TEXTS})
    table = table if ids else table.drop("post_id")
    match file.suffix:
        case ".txt":
            file.write_text("".join(f"{text or ''}\n" for text in TEXTS), encoding="utf-8")
        case ".csv":
            table.write_csv(file)
        case ".tsv":
            table.write_csv(file, separator="\t", quote_style="never")
        case ".jsonl":
            table.write_ndjson(file)
        case ".parquet":
            table.write_parquet(file)
    return [text or "" if file.suffix == ".txt" else text or None if file.suffix == ".tsv" else text for text in TEXTS]


def read_table(file: Path) -> pl.DataFrame:
    match file.suffix:
        case ".csv":
            return pl.read_csv(file, infer_schema=False)
        case ".tsv":
            return pl.read_csv(file, infer_schema=False, separator="\t", quote_char=None)
        case ".jsonl":
            return pl.read_ndjson(file, infer_schema_length=None)
        case _:
            return pl.read_parquet(file)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests, so that what is scored once is remembered."""
    return tmp_path_factory.mktemp("rewriting") / "store"


# Tables ---------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("read", [".txt", ".csv", ".tsv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("written", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_row_comes_back_in_its_place(cli: Cli, store: Path, tmp_path: Path, read: str, written: str) -> None:
    source, out = tmp_path / f"in{read}", tmp_path / f"out{written}"
    texts = write_source(source)

    said = cli("rewrite", source, out, "--store", store)

    table = read_table(out)
    assert (said.code, said.err) == (0, "")
    if written == ".tsv":
        texts = [text or None for text in texts]
    assert table["text"].to_list() == texts
    assert table.columns == [*([] if read == ".txt" else ["id"]), *ANSWERS]
    if read != ".txt":
        ids = [id_ or None if ".tsv" in (read, written) else id_ for id_ in IDS]
        assert table["id"].to_list() == ids
    assert table["abstain_reason"].to_list() == REASONS
    assert "idiot" not in said.out
    spans = table["spans"][0] if written in (".jsonl", ".parquet") else json.loads(table["spans"][0])
    words = {texts[0][span["start"] : span["end"]] for span in spans}  # type: ignore[index]
    assert words <= {"damn", "idiots", "damn idiots", "Those damn idiots"}
    assert words
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([source.name, out.name])


@pytest.mark.slow
def test_the_summary_and_the_json_say_the_same(cli: Cli, store: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    write_source(source)
    rewrite = ("rewrite", source, out, "--store", store)

    told = json.loads(cli(*rewrite, "--json").out)
    first = out.read_bytes()
    people = cli(*rewrite).out

    assert out.read_bytes() == first
    assert told.pop("seconds") >= 0
    assert told == {
        "texts": 10,
        "rewritten": 2,
        "unchanged": 3,
        "abstained": 5,
        "abstain_reasons": {"empty": 2, "nothing_left": 1, "no_letters": 1, "control_characters": 1},
        "out": str(out),
    }
    assert people.split()[:6] == ["texts", "rewritten", "unchanged", "abstained", "seconds", "why"]
    assert people.split()[6:10] == ["10", "2", "3", "5"]
    assert "empty 2, control_characters 1, no_letters 1, nothing_left 1" in " ".join(people.split())
    assert str(out) in people


@pytest.mark.slow
def test_more_rewrites_a_text_keep_its_id(cli: Cli, store: Path, tmp_path: Path) -> None:
    source, one, three = tmp_path / "in.jsonl", tmp_path / "one.jsonl", tmp_path / "three.jsonl"
    pl.DataFrame({"id": range(10), "text": TEXTS}).write_ndjson(source)

    cli("rewrite", source, one, "--store", store)
    cli("rewrite", source, three, "--store", store, "--n", 3)

    table = pl.read_ndjson(three, infer_schema_length=None)
    assert table.filter(pl.col("rank").fill_null(1) == 1).rows() == pl.read_ndjson(one, infer_schema_length=None).rows()
    assert table["id"].unique(maintain_order=True).to_list() == list(range(10))
    assert table.filter(pl.col("id") == 0)["rank"].to_list() == [1, 2, 3]
    assert table.select("id", "text").unique(maintain_order=True).rows() == list(enumerate(TEXTS))


@pytest.mark.slow
def test_the_column_can_be_named_and_needs_no_id(cli: Cli, store: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pl.DataFrame({"text": ["not this"], "words": ["1984"]}).write_parquet(source)

    assert cli("rewrite", source, out, "--text-column", "words", "--store", store).code == 0
    assert pl.read_parquet(out).select("text", "abstain_reason").rows() == [("1984", "no_letters")]
    assert pl.read_parquet(out).schema == ANSWERS


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "characters"), [(1, 50_000), (3, 50_000), (256, 1), (256, 20), (256, 50_000)])
def test_chunks_change_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, models: LoadedModels, rows: int, characters: int
) -> None:
    monkeypatch.setattr(flows.rewriting, "ROWS_A_CHUNK", rows)
    monkeypatch.setattr(flows.rewriting, "CHARACTERS_A_CHUNK", characters)
    monkeypatch.setattr(flows.rewriting, "load_models", lambda _specs, _memory: models)
    recipe = read_recipe("embedded", sources=["x"])
    table = pl.DataFrame({"id": range(len(TEXTS)), "text": TEXTS}, schema={"id": pl.Int32, "text": pl.String})

    answers = rewrite_rows(table, recipe, n=2, memory=tmp_path)

    asked = recipe.rewrite.model_copy(update={"rewrites_per_text": 2})
    whole = rewrite_table(TEXTS, settings=asked, models=models, max_characters=recipe.source.max_characters)
    assert answers.schema == {"id": pl.Int32(), **ANSWERS}
    assert_frame_equal(answers.drop("id"), whole)
    assert answers.unique("id", maintain_order=True).select("id", "text").rows() == table.rows()


def test_what_became_of_the_texts_is_counted() -> None:
    table = pl.DataFrame(
        {
            "rank": [1, 2, None, 1, None, None],
            "strategy": ["delete", "mixed", None, "unchanged", None, None],
            "abstain_reason": [None, None, "no_letters", None, "empty", "empty"],
        }
    )

    assert tally(table) == {
        "texts": 5,
        "rewritten": 1,
        "unchanged": 1,
        "abstained": 3,
        "abstain_reasons": {"empty": 2, "no_letters": 1},
    }


# One text -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_text_is_shown_before_and_after_with_its_words_masked(cli: Cli, store: Path) -> None:
    text = ("rewrite", "--store", store, "--text", TEXTS[0])

    masked, revealed = cli(*text), cli(*text, "--reveal")

    before, after, scores = masked.out.splitlines()
    assert (masked.code, masked.err) == (0, "")
    assert before.startswith("before  Those [-d●●n-] [-i●●●●s-] closed the library in Leeds at 9.")
    assert after.startswith("after   Those")
    assert after.endswith("closed the library in Leeds at 9.")
    assert scores.startswith("scores  toxicity 0.")
    assert "idiot" not in masked.out
    assert "Those [-damn-] [-idiots-] closed" in revealed.out
    assert len(cli(*text, "--n", 2).out.splitlines()) == 6


def test_a_word_that_no_lexicon_has_is_masked_where_it_was_changed(capfd: pytest.CaptureFixture[str]) -> None:
    scores = dict.fromkeys((name for name in ANSWERS if name.startswith("score_")), 0.5)
    answer = {"text": "A glorpish [b]day.", "rewrite": "A fine [b]day.", "strategy": "substitute", **scores}

    printing.rewrites([answer], reveal=False)

    assert capfd.readouterr().out.splitlines()[:2] == [
        "before  A [-g●●●●●●h-] [b]day.",
        "after   A {+fine+} [b]day.",
    ]


@pytest.mark.slow
def test_one_text_as_json_is_a_row_as_in_a_table(cli: Cli, store: Path) -> None:
    answers: list[dict[str, Any]] = json.loads(
        cli("rewrite", "--text", TEXTS[0], "--n", 2, "--store", store, "--json").out
    )["answers"]

    assert [list(answer) for answer in answers] == [list(ANSWERS)] * 2
    assert [answer["rank"] for answer in answers] == [1, 2]
    assert answers[0]["text"] == TEXTS[0]
    assert answers[0]["score_toxicity"] <= 0.3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "no rewrite: empty: there is no text"),
        ("idiot", "no rewrite: nothing_left: nothing would be left of it"),
        ("\x1b[31mdamn", "no rewrite: control_characters: it holds control characters, which no text has"),
        ("Thank you for the lovely bread.", "unchanged: clean already, toxicity 0."),
    ],
)
def test_one_text_without_a_rewrite_is_told_why(cli: Cli, store: Path, text: str, line: str) -> None:
    said = cli("rewrite", "--store", store, "--text", text)

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(line)
    assert said.out.count("\n") == 1


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["in.csv"], ["in.csv", "--text", "a"], ["in.csv", "out.csv", "--text", "a"]])
def test_a_table_or_a_text_and_never_both_or_neither(cli: Cli, arguments: list[str]) -> None:
    said = cli("rewrite", *arguments)

    assert (said.code, said.out) == (2, "")
    assert "expected IN and OUT, or --text TEXT" in said.err


@pytest.mark.parametrize(
    ("source", "content", "out", "line"),
    [
        ("gone.csv", None, "out.csv", "gone.csv: no such file; give a .csv, .tsv, "),
        ("empty.csv", b"", "out.csv", "empty.csv: is empty; "),
        ("head.csv", b"text\n", "out.csv", "head.csv: holds no rows; "),
        ("in.docx", b"damn", "out.csv", "in.docx: .docx is no known format; there are: .csv, "),
        ("in.csv", b"a,b\n1,2\n", "out.csv", "in.csv: no column holds the texts; name it with --text-column; there "),
        ("latin.txt", b"caf\xe9\n", "out.csv", "latin.txt: is not UTF-8 (byte 3); convert it: iconv "),
        ("in.txt", b"damn\n", "out.txt", "out.txt: .txt is no format that holds a table; name a .csv, "),
        ("in.csv", b"text\ndamn\n", "in.csv", "in.csv: is the file that is read; name another one"),
        ("in.csv", b"text\ndamn\n", "no/out.csv", "no/out.csv: there is no folder no; make it first: mkdir -p no"),
        ("in.csv", b"text\ndamn\n", "/proc/out.csv", "/proc/out.csv: cannot be written (No such file or directory); "),
        ("in.csv", b'text\n"damn\tit"\n', "out.tsv", "out.tsv: text of row 1 holds a tab or a line break, which tsv "),
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

    assert refused(cli("rewrite", source, out)).startswith(line)
    assert [file.name for file in tmp_path.iterdir()] == [source] * (content is not None)
    assert content is None or Path(source).read_bytes() == content


def test_a_column_that_is_not_there_and_a_wrong_recipe(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("text\ndamn\n")

    assert refused(cli("rewrite", "in.csv", "out.csv", "--text-column", "body")) == (
        "in.csv: no column 'body' for --text-column; there are: 'text'"
    )
    assert refused(cli("rewrite", "in.csv", "out.csv", "--recipe", "no")).startswith("no: no such recipe; ")
    assert refused(cli("rewrite", "--text", "a", "--store", "in.csv")).startswith("in.csv: is a file, a store is a ")
    assert refused(cli("rewrite", "--text", "caf\udce9")).startswith("--text: is not UTF-8; put it in a UTF-8 file")
    assert cli("rewrite", "in.csv", "out.csv", "--n", 0).code == 2
    assert [file.name for file in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.slow
def test_no_flow_is_needed(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("1984\n")
    code = "import sys; from flows.cli import app; app(standalone_mode=False); print('prefect' in sys.modules)"
    command = [
        sys.executable,
        "-c",
        code,
        "rewrite",
        *(str(tmp_path / name) for name in ("in.txt", "out.csv", "store")),
    ]
    command.insert(-1, "--store")

    said = subprocess.run(command, capture_output=True, text=True, check=True)

    assert said.stdout.splitlines()[-1] == "False"
