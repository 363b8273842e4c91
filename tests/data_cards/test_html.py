"""The page in a real browser: its policy holds, the words are masked until asked for, and hostile text does nothing."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from data_cards import pictures
from data_cards.card import documents
from data_cards.stats import count, distribution
from pairgen.draft import Contents
from pairgen.store import Store
from tests.browser import browser_only, opened
from tests.contents import contents
from tests.data_cards.test_card import hostile


def page(root: Path, built: Contents) -> Path:
    points = [{"threshold": at, "kept": 40 - 9 * at, "dropped": 9 * at, "unknown": 0} for at in (1, 2, 4)]
    copy = {"filter": "copy", "key": "min_changed_words", "now": 2, "reached": 40, "points": points}
    version, _ = Store(root).publish("demo", built, documents=partial(documents, what_if=[copy]))
    return version.path / "card.html"


@browser_only
@pytest.mark.parametrize("built", [contents(180), hostile()], ids=["mild", "hostile"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_makes_no_request_and_no_error_and_fits(tmp_path: Path, built: Contents, width: int) -> None:
    path = page(tmp_path / "store", built)

    with opened(path, tmp_path / "profile", width=width) as tab:
        fits = tab.run("document.documentElement.scrollWidth <= innerWidth")
        drawn = tab.run(
            "[...document.querySelectorAll('svg.picture')].every(svg => svg.getBoundingClientRect().height > 50)"
        )
        themed = tab.run("getComputedStyle(document.querySelector('.f-after')).fill")
        asked = {request["request"]["url"] for request in tab.told("Network.requestWillBeSent")}
        said = tab.told("Log.entryAdded") + tab.told("Runtime.consoleAPICalled") + tab.told("Runtime.exceptionThrown")

    assert asked <= {path.as_uri(), "data:,"}
    assert said == []
    assert (fits, drawn, themed) == (True, True, "rgb(31, 122, 114)")


@browser_only
def test_words_are_masked_until_the_reader_asks(tmp_path: Path) -> None:
    shown = "document.body.innerText.includes('idiot')"

    with opened(page(tmp_path / "store", contents()), tmp_path / "profile") as tab:
        seen = [tab.run(shown)]
        for _ in range(2):
            tab.run("document.getElementById('reveal').focus()")
            for kind in ("keyDown", "keyUp"):
                tab.ask(
                    "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
                )
            seen += [tab.run(shown), tab.run("document.getElementById('reveal').getAttribute('aria-pressed')")]

    assert seen == [False, True, "true", False, "false"]


@browser_only
def test_examples_are_found_by_words_and_by_kind_reason_and_split(tmp_path: Path) -> None:
    def set_(control: str, choice: str) -> str:
        return (
            f"(() => {{ const it = document.getElementById('{control}'); it.value = {json.dumps(choice)};"
            "it.dispatchEvent(new Event('input')); return document.getElementById('found').textContent })()"
        )

    shown = "[...document.querySelectorAll('#list li')].filter(item => !item.hidden)"
    with opened(page(tmp_path / "store", contents(48)), tmp_path / "profile") as tab:
        said = [tab.run("document.getElementById('found').textContent")]
        tab.run("document.getElementById('more').click()")
        said += [tab.run("document.getElementById('found').textContent")]
        said += [tab.run(set_("find", "IDIOT would queue 5"))]
        masked = tab.run(f"{shown}[0].innerText")
        said += [tab.run(set_("find", "no such words")), tab.run(set_("find", ""))]
        said += [tab.run(set_("fate", "dropped")), tab.run(set_("of", "similarity"))]
        reasons = tab.run(f"{shown}.map(item => item.dataset.of)")
        said += [tab.run(set_("fate", "kept")), tab.run(set_("of", "negation")), tab.run(set_("split", "test"))]

    assert said == [
        "10 of 90 examples",
        "30 of 90 examples",
        "1 of 1 examples that fit, of 90",
        "0 of 0 examples that fit, of 90",
        "10 of 90 examples",
        "10 of 10 examples that fit, of 90",
        "3 of 3 examples that fit, of 90",
        "0 of 0 examples that fit, of 90",
        "10 of 16 examples that fit, of 90",
        "5 of 5 examples that fit, of 90",
    ]
    assert reasons == ["similarity"] * 3
    assert "i●●●t" in masked
    assert "idiot" not in masked


@browser_only
def test_the_policy_refuses_what_was_slipped_in(tmp_path: Path) -> None:
    path = tmp_path / "card.html"
    text = page(tmp_path / "store", contents()).read_text()
    path.write_text(
        text.replace("<main", "<script>document.title = 'owned'</script><img src='https://evil.example/x'><main")
    )

    with opened(path, tmp_path / "profile") as tab:
        title = tab.run("document.title")
        said = [entry["entry"]["text"] for entry in tab.told("Log.entryAdded")]

    assert title == "demo v1: data card"
    assert sum("Content Security Policy" in text for text in said) >= 2


def test_ids_are_unique_and_every_table_stands_in_the_page(tmp_path: Path) -> None:
    text = page(tmp_path, contents(48)).read_text()

    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-labelledby="([^"]+)"', text)) <= set(ids)
    assert 'style="' not in text
    assert "CC-BY-4.0" in text
    assert len(text) < 400_000


@pytest.mark.parametrize(("stage", "unit"), [("read", "text"), ("split", "text"), ("references", "reference")])
def test_a_dropped_text_is_masked_whole_whatever_dropped_it(tmp_path: Path, stage: str, unit: str) -> None:
    built = contents()
    first = built.dropped.filter(unit="text").head(1)
    row = first.with_columns(text=pl.lit("Eres un tonto."), stage=pl.lit(stage), unit=pl.lit(unit))
    one = (pl.col("stage") == "mine").cast(pl.Int64)
    mine = built.funnel.with_columns(entered=pl.col("entered") - one, dropped=pl.col("dropped") - one)
    counted = {"stage": stage, "unit": unit, "entered": 1, "kept": 0, "dropped": 1}
    funnel = pl.concat([mine, pl.DataFrame([counted], schema=mine.schema)])
    dropped = pl.concat([row, built.dropped.filter(pl.col("id") != first.collect()["id"].item())])

    text = page(tmp_path, replace(built, dropped=dropped, funnel=funnel)).read_text()

    assert '<span class="masked">E●●● ●● ●●●●●.</span><span class="raw">Eres un tonto.</span>' in text


def test_a_context_is_masked_as_a_toxic_text_is(tmp_path: Path) -> None:
    built = contents()
    context = pl.lit("What trash is this?")

    text = page(
        tmp_path,
        replace(
            built,
            pairs=built.pairs.with_columns(context=context),
            members=built.members.with_columns(context=context),
        ),
    ).read_text()

    assert '<span class="masked">What t●●●h is this?</span><span class="raw">What trash is this?</span>' in text


def test_a_build_without_scores_or_toxic_texts_has_a_page(tmp_path: Path) -> None:
    built = contents()
    bare = built.pairs.filter(pl.col("positive_kind") == "original")
    bare = bare.select(column for column in bare.collect_schema() if not column.startswith("score_"))

    text = page(tmp_path, replace(built, pairs=bare)).read_text()

    assert "no before and after to show" in text
    assert "No text has both scores." in text


def test_scores_that_are_all_missing_have_a_page(tmp_path: Path) -> None:
    built = contents()
    nothing = pl.lit(None, dtype=pl.Float64)

    text = page(
        tmp_path, replace(built, pairs=built.pairs.with_columns(score_toxicity=nothing, score_similarity=nothing))
    )

    assert "no before and after to show" in text.read_text()


def test_the_same_data_give_the_same_picture() -> None:
    stats = count(contents())

    assert pictures.before_after(stats["toxicity"]) == pictures.before_after(stats["toxicity"])
    assert pictures.funnel(stats["funnel"]) == pictures.funnel(stats["funnel"])


def test_a_picture_has_no_style_of_its_own_and_says_what_it_shows() -> None:
    svg = pictures.panel("score <b>", distribution(pl.Series([0.1, 0.9])), distribution(pl.Series([0.5])))

    assert svg.startswith("<svg ")
    assert 'aria-label="Histogram of score &lt;b&gt;."' in svg
    assert not re.search(r"style|#0000|metadata|\sid=\"(?!p)", svg)
    assert {"f-after", "s-before", "f-soft"} <= set(re.findall(r'class="([\w-]+)"', svg))
