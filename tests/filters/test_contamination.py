"""A pair that shares 8 to 13 words in a row with an evaluation set goes; what everybody says stays."""

import json
import tomllib
from pathlib import Path

import polars as pl
import pytest

from filters.base import apply_filters
from filters.contamination import Contamination, _known_texts, _shared, _words
from flows.recipe import read_recipe
from pairgen.errors import SourceError
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs

LONG = "The old ferry between the two islands leaves at seven and takes forty minutes when the sea is calm."
SHORT = "Which river did the miners cross before winter came?"  # 9 words
TINY = "You would not like it."
OTHER = "Nobody at the bakery remembers who ordered the cake."


@pytest.fixture
def against(tmp_path: Path) -> str:
    """Its texts stand in columns of no known name, in lists and in structs."""
    file = tmp_path / "set.parquet"
    table = pl.DataFrame({"question": [SHORT, None], "choices": [[LONG, TINY], []], "meta": [{"hint": OTHER}] * 2})
    table.with_columns(correct=1).write_parquet(file)
    return str(file)


def score(against: str, text: str) -> float:
    return float(Contamination(against=(against,)).score(pairs(pair(text, "Idiot.")), Fakes())[0])


def words(text: str, start: int, end: int) -> str:
    return " ".join(text.split()[start:end])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LONG, 1.0),
        (LONG.upper().replace(" ", ",  ") + "!!", 1.0),
        (f"He wrote that {words(LONG, 2, 15)} on Monday evening there.", 13 / 20),
        (f"He wrote that {words(LONG, 2, 14)} on Monday evening there.", 0.0),  # 12 in a row are too few in a long text
        (f"{words(LONG, 0, 14)} and {words(LONG, 1, 14)}", 27 / 28),
        (words(LONG, 3, 11), 1.0),  # 8 words, all from there
        (words(LONG, 3, 10), 0.0),  # 7
        (f"I ask you: {SHORT}", 9 / 12),
        (f"I ask you: {words(SHORT, 0, 8)}", 0.0),  # not the whole of it, and not the whole of the text
        (OTHER, 1.0),
        (TINY.lower(), 1.0),
        (f"I know you. {TINY}", 0.0),
        ("...", 0.0),
    ],
)
def test_the_score_is_the_share_of_words_that_stand_there_too(against: str, text: str, expected: float) -> None:
    assert score(against, text) == pytest.approx(expected)


def test_context_positive_and_negative_are_looked_at(against: str) -> None:
    clean = pair("Fine.", "You idiot.")
    table = pairs(
        clean,
        pair(f"I ask you: {SHORT}", "You fool."),
        pair("Fine, too.", SHORT),
        pair("Fine again.", "You fool.") | {"context": LONG},
    )

    outcome = apply_filters(table, [Contamination(against=(against,))], Fakes())

    assert outcome.kept["pair_id"].to_list() == [clean["pair_id"]]
    assert outcome.dropped.select("drop_reason", "score").rows() == [
        ("contamination", 0.75),
        ("contamination", 1.0),
        ("contamination", 1.0),
    ]


def test_the_limit_is_inclusive_and_moves_without_the_file(against: str) -> None:
    table = pairs(pair(f"I ask you: {SHORT}", "You fool."))
    for limit, kept in ((0, 0), (0.75 - 1e-9, 0), (0.75, 1), (1, 1)):
        assert apply_filters(table, [Contamination(against=(against,), max_score=limit)], Fakes()).kept.height == kept
    scores = pl.DataFrame({"score": [0.0, 0.1]})

    assert scores.select(Contamination(against=("gone.csv",)).keep(pl.col("score"))).to_series().to_list() == [
        True,
        False,
    ]


def test_no_pairs(against: str) -> None:
    assert apply_filters(empty(PAIRS), [Contamination(against=(against,))], Fakes()).kept.height == 0


def test_several_sets(against: str, tmp_path: Path) -> None:
    second = tmp_path / "second.jsonl"
    second.write_text(json.dumps({"prompt": "Seven small ships sailed south as summer slowly started."}))
    both = Contamination(against=(against, str(second)))
    table = pairs(pair(SHORT), pair("seven small ships sailed south as summer slowly started"), pair("Fine."))

    assert both.score(table, Fakes()).to_list() == [1.0, 1.0, 0.0]


def test_settled_names_the_bytes_and_refuses_others(against: str, tmp_path: Path) -> None:
    settled = Contamination(against=(against,)).settled(tmp_path)
    path, _, sha256 = settled.against[0].rpartition("@")

    assert (path, len(sha256)) == (against, 64)
    assert settled.settled(tmp_path) == settled
    assert settled.score(pairs(pair(SHORT), pair("Fine.")), Fakes()).to_list() == [1.0, 0.0]
    pl.DataFrame({"text": ["Another short one.", "Yes."]}).write_parquet(against)
    changed = Contamination(against=(against,)).settled(tmp_path)
    assert changed.against[0] != settled.against[0]
    asked = pairs(pair(SHORT), pair("Another short one."), pair("Yes."))  # "Yes." is a label, no text
    assert changed.score(asked, Fakes()).to_list() == [0.0, 1.0, 0.0]
    with pytest.raises(
        SourceError, match=rf"^{against}: was changed \(its sha256 is [0-9a-f]{{64}}, expected {sha256}\)"
    ):
        settled.settled(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.parquet", None, "none.parquet: no such file; give a .csv, "),
        ("set.jsonl", "", "set.jsonl: is empty; a corpus of at least one text is expected"),
        ("set.jsonl", '{"label": 1}', "set.jsonl: no column holds texts; there are: 'label'"),
        ("set.jsonl", '{"text": " "}', "set.jsonl: no column holds texts; there are: 'text'"),
        ("set.docx", "x", "set.docx: .docx is no known format"),
    ],
)
def test_a_set_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)

    with pytest.raises(SourceError) as caught:
        Contamination(against=(str(tmp_path / name),)).settled(tmp_path)

    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(message)
    assert "\n" not in str(caught.value)


def test_shipped_recipes_know_the_packaged_evaluation_texts() -> None:
    prompts = Path(__file__).parents[2] / "training" / "data" / "prompts.jsonl"
    prompt = json.loads(prompts.read_text(encoding="utf-8").splitlines()[0])["prompt"]

    for name in ("demo", "embedded", "hub"):
        [found] = [each for each in read_recipe(name, sources=["a.csv"]).filters if each.kind == "contamination"]
        assert isinstance(found, Contamination)
        assert len(found.against) == 4
        assert found.score(pairs(pair(f"{prompt} too loud."), pair("Fine.")), Fakes()).to_list()[1] == 0
        assert found.score(pairs(pair(f"{prompt} too loud.")), Fakes())[0] > 0.5
    settled = read_recipe("demo").settled(Path("store"))
    assert "package:training/data/prompts.jsonl@" in str(tomllib.loads(settled.toml())["filters"])


def test_what_is_no_package_is_one_line(tmp_path: Path) -> None:
    for spec in ("package:nosuch/data.jsonl", "package:../x.jsonl"):
        with pytest.raises(SourceError, match=rf"^{spec}: no package '[^']*' is installed; give package:demo or "):
            Contamination(against=(spec,)).settled(tmp_path)


def test_the_demo_corpus_holds_no_evaluation_text() -> None:
    [found] = [each for each in read_recipe("demo").filters if each.kind == "contamination"]
    assert isinstance(found, Contamination)
    comments = Path(__file__).parents[2] / "pairgen" / "demo" / "comments.jsonl"
    texts = [json.loads(line)["text"] for line in comments.read_text(encoding="utf-8").splitlines()]

    assert {_shared(_words(text), _known_texts(found.against)) for text in texts} == {0.0}
