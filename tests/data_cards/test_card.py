"""The card as Markdown and JSON: `datasets` loads by it, its numbers are the data's, and corpus text stays data."""

import json
import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import datasets
import polars as pl
import pytest
import yaml

from data_cards.card import documents
from data_cards.wording import changed, judged, markdown, segments, visible
from pairgen.draft import Contents
from pairgen.store import Store, Version, verify
from tests.contents import contents

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\n---\nlicense: mit\n---\n",
    "a | b | c",
    "```\n`x`\n```",
    "=cmd|'/C calc'!A0",
    "\x1b[31mred\x1b[0m",
    "abc\u202egnp.exe\u2066x\u2069",
    "zero\u200bwidth\ufeff",
    "nul\x00byte",
    "[x](javascript:alert(1)) ![i](https://evil.example/x.png) www.evil.example @someone",
    "{{ 7 * 7 }} {% raw %}",
    "w" * 100_000,
    "# Heading\n* item\n> quote",
)
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def publish(root: Path, built: Contents) -> Version:
    version, _ = Store(root).publish("demo", built, documents=documents)
    assert verify(version) == []
    return version


def hostile() -> Contents:
    """`contents()` with a hostile string in every text, its context, the ledger and the names of the source."""
    built = contents()
    texts = sorted(set(built.members.collect()["text"]))
    made = {text: f"{text} {HOSTILE[number % len(HOSTILE)]}" for number, text in enumerate(texts)}
    sides = {side: pl.col(side).replace_strict(made) for side in ("positive", "negative")}
    said = pl.Series([HOSTILE[number % len(HOSTILE)] for number in range(built.dropped.collect().height)])
    return replace(
        built,
        pairs=built.pairs.with_columns(**sides, context=pl.lit("".join(HOSTILE[:12]))),
        members=built.members.with_columns(text=pl.col("text").replace_strict(made)),
        dropped=built.dropped.with_columns(text=said, negative=said, drop_reason=said),
        source=[{**built.source[0], "name": HOSTILE[0], "licence": HOSTILE[2]}],
        fingerprints={"toxicity": HOSTILE[0]},
        recipe=f"# {HOSTILE[0]}\n",
    )


@pytest.mark.parametrize("splits", [("train", "validation", "test"), ("train", "validation"), ("test",)])
def test_datasets_loads_every_table_also_without_a_split(tmp_path: Path, splits: tuple[str, ...]) -> None:
    version = publish(tmp_path, contents(splits=splits))

    for table in ("pairs", "members", "dropped"):
        loaded = datasets.load_dataset(str(version.path), table, cache_dir=str(tmp_path / "cache"))

        rows = getattr(version, table)()
        assert sum(part.num_rows for part in loaded.values()) == rows.height
        assert set(loaded) == ({splits[0], "unsplit"} if table == "dropped" else set(splits))
        assert set(loaded[splits[0]].column_names) == set(rows.columns)
    default = datasets.load_dataset(str(version.path), cache_dir=str(tmp_path / "cache"))
    assert "pair_id" in default[splits[0]].column_names


def test_the_rows_that_the_front_matter_states_are_held_against_the_files(tmp_path: Path) -> None:
    version = publish(tmp_path / "store", contents())
    copy = tmp_path / "copy"
    shutil.copytree(version.path, copy)
    for path in (copy / "README.md", copy / "pairs" / "test-00000-of-00001.parquet"):
        path.chmod(0o644)
    (copy / "README.md").write_text((copy / "README.md").read_text().replace("num_examples: 10", "num_examples: 11", 1))

    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        datasets.load_dataset(str(copy), "pairs", cache_dir=str(tmp_path / "cache"))


def test_an_empty_table_is_left_out_of_the_front_matter(tmp_path: Path) -> None:
    built = contents()
    funnel = built.funnel.with_columns(entered=pl.col("kept"), dropped=pl.lit(0, dtype=pl.Int64))
    version = publish(tmp_path, replace(built, dropped=built.dropped.clear(), funnel=funnel))

    front = yaml.safe_load((version.path / "README.md").read_text().split("---\n")[1])

    assert [config["config_name"] for config in front["configs"]] == ["pairs", "members"]
    assert datasets.load_dataset(str(version.path), "pairs", cache_dir=str(tmp_path / "cache"))


def test_the_front_matter_says_what_the_hub_wants(tmp_path: Path) -> None:
    front = yaml.safe_load((publish(tmp_path, contents()).path / "README.md").read_text().split("---\n")[1])

    assert front["license"] == "cc-by-4.0"
    assert front["language"] == ["en"]
    assert front["size_categories"] == ["n<1K"]
    assert front["configs"][0]["default"] is True
    assert [each["config_name"] for each in front["dataset_info"]] == ["pairs", "members", "dropped"]
    rows = {each["name"]: each["num_examples"] for each in front["dataset_info"][0]["splits"]}
    assert rows == {"train": 15, "validation": 15, "test": 10}


@pytest.mark.parametrize(
    ("stated", "licence"),
    [(["MIT"], "mit"), (["CC0-1.0", "MIT"], ["cc0-1.0", "mit"]), (["MIT", "house rules"], "other"), ([None], "other")],
)
def test_licences_are_those_of_the_sources(tmp_path: Path, stated: list[str | None], licence: object) -> None:
    built = contents()
    sources = [{**built.source[0], "licence": each} for each in stated]
    front = yaml.safe_load(documents_of(replace(built, source=sources), tmp_path)["README.md"].split("---\n")[1])

    assert front["license"] == licence


def documents_of(built: Contents, root: Path) -> dict[str, str]:
    version = publish(root, built)
    return {
        name: (version.path / name).read_text(encoding="utf-8") for name in ("README.md", "card.html", "stats.json")
    }


def test_the_card_says_the_counts_and_what_the_models_are_blind_to(tmp_path: Path) -> None:
    text = documents_of(contents(), tmp_path)["README.md"]

    assert "| **all** |  | 15 | 15 | 10 | 40 |" in text
    assert "| mine | text | 28 | 24 | 4 |" in text
    assert "| filter | similarity | pair | 3 |" in text
    assert "| **all** |  |  | 10 |" in text
    assert "implicit hate" in text
    assert "a word list" in text
    assert "135 million" not in text
    assert "contrast-pairs train demo@v1" in text


def test_the_card_says_what_pairs_were_held_against_or_that_they_were_not(tmp_path: Path) -> None:
    held = f'[[filters]]\nkind = "contamination"\nagainst = ["a_b.csv@{"0" * 64}"]\n'

    without = documents_of(contents(), tmp_path / "without")
    documents = documents_of(replace(contents(), recipe=held), tmp_path / "with")

    assert f"| contamination | {markdown('a_b.csv')} | {'0' * 64} |" in documents["README.md"]
    assert f"<dd>a_b.csv <code>{'0' * 64}</code></dd>" in documents["card.html"]
    assert "Nobody looked for texts of evaluation sets" not in "".join(documents.values())
    for name in ("README.md", "card.html"):
        assert "Nobody looked for texts of evaluation sets" in without[name]


def test_the_card_says_what_form_tells_or_that_nobody_knows(tmp_path: Path) -> None:
    few, many = documents_of(contents(), tmp_path / "few"), documents_of(contents(180), tmp_path / "many")

    rows = {row.split(" | ")[0]: row.split(" | ")[1:] for row in table_under(many["README.md"], "## Shortcut cues")}
    assert rows["| negation"][:2] == ["60", "1.000"]
    assert (rows["| negation"][4], rows["| toxic"][4]) == ("0.500", "1.000")
    assert "characters 0.00" in rows["| negation"][5]
    assert rows["| negation"][6] == "**look** |"
    assert rows["| toxic"][6] == rows["| swap&#95;num"][6] == " |"
    assert "| negation | 8 | too few to tell |  |  |  |  |  |" in few["README.md"]
    assert few["card.html"].count("too few to tell") == 4
    assert "negation added or removed 1.000" in many["card.html"]  # in the words for who does not see the picture
    assert "How often form" not in few["card.html"]


def test_the_card_says_what_other_thresholds_would_keep(tmp_path: Path) -> None:
    def points(*kept: int) -> list[dict[str, float]]:
        steps = (0.3, 0.45, 0.8)
        return [
            {"threshold": at, "kept": number, "dropped": 45 - number, "unknown": 1}
            for at, number in zip(steps, kept, strict=True)
        ]

    moving = {"filter": "similarity", "key": "min_score", "now": 0.45, "reached": 46, "points": points(1, 40, 45)}
    still = {"filter": "length_ratio", "key": "max_ratio", "now": 0.8, "reached": 46, "points": points(40, 40, 40)}
    version, _ = Store(tmp_path).publish("demo", contents(), documents=partial(documents, what_if=[moving, still]))
    text, page = ((version.path / name).read_text(encoding="utf-8") for name in ("README.md", "card.html"))

    lack = " (and up to 1 that lack a score)"
    assert table_under(text, "## Other thresholds")[2:] == [
        f"| `similarity.min_score` | 0.45: 40{lack} | 0.3: 1{lack}, 0.8: 45{lack} |",
        f"| `length_ratio.max_ratio` | 0.8: 40{lack} | 0.3: 40{lack}, 0.45: 40{lack} |",
    ]
    assert "46 pairs reached the filters; what is not kept is dropped." in text
    assert "46 pairs reached the filters; what is not kept is dropped." in page
    assert 'aria-label="Pairs kept by similarity min score: 1 at 0.3, 40 at 0.45, 45 at 0.8; now 0.45."' in page
    assert "Pairs kept by length ratio" not in page
    assert "Moved alone, these change nothing: length ratio max ratio." in page
    assert '<td class="n">now 0.45</td><td class="n">40</td><td class="n">5</td><td class="n">1</td>' in page
    assert version.stats()["what_if"] == [moving, still]
    assert "Not known" in documents_of(contents(27), tmp_path)["README.md"]


def test_curves_of_a_sample_say_so() -> None:
    row = {"reached": 1_000, "points": [{"kept": 40, "dropped": 5, "unknown": 1}]}

    assert judged([row]).startswith("1,000 pairs reached the filters; the figures are of a sample of 46 pairs, ")


def test_the_card_sets_our_rewrites_beside_copies_or_says_that_nobody_did(tmp_path: Path) -> None:
    figures = {"answered": 1.0, "sta": 0.0, "sta_judge": 0.25, "sim": 1.0, "fl": 1.0, "j": 0.125}
    rows = [{"system": "copy", "texts": 8, **figures}, {"system": "human", "texts": 1_000, **figures}]
    version, _ = Store(tmp_path / "with").publish("demo", contents(), documents=partial(documents, baselines=rows))
    text, page = ((version.path / name).read_text(encoding="utf-8") for name in ("README.md", "card.html"))

    lines = table_under(text, "## Beside copying, deleting and people")
    assert lines[2:] == [
        f"| {who} | 1.000 | 0.000 | 0.250 | 1.000 | 1.000 | 0.125 |" for who in ("copy | 8", "people | 1,000")
    ]
    assert '<th scope="row">people</th><td class="n">1,000</td><td class="n">1.000</td>' in page
    assert version.stats()["baselines"] == rows
    for text in documents_of(contents(), tmp_path / "without").values():
        assert "no toxic text was rewritten, or the models were not asked" in text or text.startswith("{")


def test_toxic_words_are_masked_in_the_card(tmp_path: Path) -> None:
    text = documents_of(contents(), tmp_path)["README.md"]

    assert "i●●●t" in text
    assert "idiot" not in text
    assert "damn" not in text


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    made = documents_of(hostile(), tmp_path)
    body = made["README.md"].split("---\n", 2)[2]

    assert yaml.safe_load(made["README.md"].split("---\n")[1])["license"] == "other"
    assert "<" not in body
    assert not CONTROLS.search(made["README.md"].replace("\n", ""))
    assert not CONTROLS.search(made["card.html"].replace("\n", ""))
    assert body.count("```") == 4
    assert "://" not in body
    assert len({line.count("|") for line in table_under(body, "## Examples")}) == 1
    assert "\n---" not in body
    assert made["card.html"].count("<script") == 1
    assert "<img" not in made["card.html"]
    assert len(made["card.html"]) < 400_000
    assert json.loads(made["stats.json"])["pairs"]["total"] == 40


def table_under(text: str, heading: str) -> list[str]:
    return [line for line in text.split(heading)[1].split("\n## ")[0].splitlines() if line.startswith("|")]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_and_visible_neutralise(text: str) -> None:
    made = markdown(text)

    assert not set(made) & set('<>|`*_[]\\@$!"\n\x1b\x00\u202e\u200b')
    assert "--" not in made
    assert len(visible(text)) == len(text)


@pytest.mark.parametrize("text", ["", "plain words, and a dot.", "naïve café 東京 😀", "well-known it's (so)"])
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert visible(text) == markdown(text) == text


def test_changed_words_are_found_on_both_sides() -> None:
    one, other = "The bridge in Lyon opens.", "The damn bridge in Graz opens, you."

    left, right = changed(one, other)

    assert [one[start:end] for start, end in left] == ["Lyon"]
    assert [other[start:end] for start, end in right] == ["damn", "Graz", "you"]
    assert changed("", "") == ([], [])
    assert changed("same", "same") == ([], [])


@pytest.mark.parametrize(("cover", "masked"), [(True, "●●● people"), (False, "Two people")])
def test_segments_keep_every_character(cover: bool, masked: str) -> None:
    pieces = segments("Two people", [(0, 3)], cover=cover)

    assert "".join(piece["raw"] for piece in pieces) == "Two people"
    assert "".join(piece["masked"] for piece in pieces) == masked
    assert [piece["mark"] for piece in pieces] == [True, False]
    assert segments("", [], cover=cover) == []
