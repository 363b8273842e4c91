"""The site over a store: every version stands in it, links lead somewhere, a withdrawn one shows no text."""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from data_cards import difference
from data_cards.card import documents
from data_cards.gallery import gallery
from pairgen.diff import diff
from pairgen.errors import OutputError, StoreError
from pairgen.store import Store
from tests.contents import contents

RECIPE = "[mine]\nmin_toxicity = {}\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """forum@v1 to v3, of which v2 is withdrawn and v3 tagged, and street@v1."""
    made = Store(tmp_path / "store")
    for number, sets in enumerate((24, 36, 30)):
        made.publish("forum", replace(contents(sets), recipe=RECIPE.format(number)), documents=documents)
    made.publish("street", contents(12), documents=documents)
    made.tag("forum@v3", "production")
    made.withdraw("forum@v2", "a <b>source</b> was taken down")
    return made


def test_every_version_stands_in_it_and_every_link_leads_somewhere(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"

    pages = gallery(store.versions(), out)

    found = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.html")}
    assert set(found) == {
        "index.html",
        *(f"forum/{name}.html" for name in ("index", "v1", "v3", "v1-v2", "v2-v3")),
        *(f"street/{name}.html" for name in ("index", "v1")),
    }
    assert pages == len(found)
    for name, text in found.items():
        for link in re.findall(r'href="([^"#:]+)"', text):
            assert (out / name).parent.joinpath(link).resolve().is_file(), (name, link)
    assert found["forum/v1.html"] == (store.root / "forum" / "v0001" / "card.html").read_text()
    assert "2 data sets" in found["index.html"]
    assert "production" in found["forum/index.html"]
    assert "0 added, 10 removed, 0 rewritten" in found["forum/index.html"]
    assert "pairs, from v1 to v3: 40, 50." in found["forum/index.html"]


def test_of_a_withdrawn_version_no_text_stands_in_it(store: Store, tmp_path: Path) -> None:
    gallery(store.versions(), tmp_path / "out")

    listed, change = ((tmp_path / "out" / "forum" / name).read_text() for name in ("index.html", "v1-v2.html"))
    assert "<s>forum@v2</s>" in listed
    assert "withdrawn: a &lt;b&gt;source&lt;/b&gt; was taken down" in listed
    assert "women in May" not in change
    assert "women in May" in difference.page(diff(store.resolve("forum@v1"), store.resolve("forum@v3")))


def test_an_earlier_gallery_is_replaced_and_nothing_else_is(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    gallery(store.versions(), out)
    (out / "old.html").touch()

    gallery(store.versions("street"), out)

    assert {path.name for path in out.iterdir()} == {".contrast-pairs-gallery", "index.html", "street"}
    other = tmp_path / "mine"
    other.mkdir()
    (other / "notes.txt").write_text("keep me")
    with pytest.raises(OutputError, match="neither a gallery nor an empty folder"):
        gallery(store.versions(), other)
    assert (other / "notes.txt").read_text() == "keep me"
    assert not list(tmp_path.glob(".out-*"))


def test_an_empty_store_has_a_page_and_a_damaged_card_is_said(store: Store, tmp_path: Path) -> None:
    assert gallery([], tmp_path / "empty") == 1
    assert "no version in this store" in (tmp_path / "empty" / "index.html").read_text()
    (store.root / "forum" / "v0001" / "card.html").unlink()

    with pytest.raises(StoreError, match=r"card.html: cannot be read"):
        gallery(store.versions(), tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_withdrawn_data_set_says_so(store: Store, tmp_path: Path) -> None:
    store.withdraw("street@v1", "no longer ours")

    gallery(store.versions(), tmp_path / "out")

    assert "Every version is withdrawn." in (tmp_path / "out" / "index.html").read_text()
    assert not (tmp_path / "out" / "street" / "v1.html").exists()


def test_the_page_of_a_difference_says_what_and_why(store: Store) -> None:
    text = difference.page(diff(store.resolve("forum@v2"), store.resolve("forum@v3")))

    assert "0 pairs added, 10 removed" in text
    assert '<td class="break">mine.min_toxicity</td><td class="break">1</td><td class="break">2</td>' in text
    assert '<th scope="row">removed</th><td>source changed</td>' in text
    assert "i●●●t" in text
    same = difference.page(diff(store.resolve("forum@v2"), store.resolve("forum@v2")))
    assert "The same pairs and members." in same
    assert "None was added or removed." in same


def test_what_a_rewrite_took_out_of_its_parent_is_masked_though_no_list_knows_it(tmp_path: Path) -> None:
    made, built = Store(tmp_path / "store"), contents()
    named = pl.col("parent", "negative").str.replace("idiot", "lettuce")
    words = pl.col("text").str.replace("idiot", "lettuce")
    first = replace(built, pairs=built.pairs.with_columns(named), members=built.members.with_columns(words))
    again = pl.col("positive_kind") == "rewrite", pl.col("kind") == "rewrite"
    pairs = first.pairs.with_columns(
        positive=pl.when(again[0]).then(pl.concat_str("positive", pl.lit(" Again."))).otherwise("positive"),
        pair_id=pl.when(again[0]).then(pl.col("pair_id").str.reverse()).otherwise("pair_id"),
    )
    members = first.members.with_columns(
        text=pl.when(again[1]).then(pl.concat_str("text", pl.lit(" Again."))).otherwise("text"),
        member_id=pl.when(again[1]).then(pl.col("member_id").str.reverse()).otherwise("member_id"),
    )
    for each in (first, replace(first, pairs=pairs, members=members)):
        made.publish("forum", each, documents=documents)

    text = difference.page(diff(made.resolve("forum@v1"), made.resolve("forum@v2")))

    assert "<dt>Parent</dt>" in text
    assert '<span class="masked">l●●●●●e</span><span class="raw">lettuce</span>' in text
    assert text.count("lettuce") == text.count('<span class="raw">lettuce</span>') == 16


def test_the_folder_that_one_is_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    with pytest.raises(OutputError, match=r"^\.: is the folder you are in"):
        gallery([], Path())

    assert [path.name for path in tmp_path.rglob("*")] == ["here"]


def test_the_latest_is_the_latest_accepted_and_candidates_are_counted(store: Store, tmp_path: Path) -> None:
    store.publish("street", contents(24), documents=documents, review=lambda *_: ["far"])

    gallery(store.versions(), tmp_path / "out")

    text = (tmp_path / "out" / "index.html").read_text()
    assert "street@v1</a>, the latest accepted of 2 (1 candidate)," in text
    assert "forum@v3</a>, the latest accepted of 3," in text
