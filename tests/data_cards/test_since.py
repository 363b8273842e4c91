"""What a card says of the version before: pairs by kind, what decided, counts; and that it cannot be read."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from data_cards.card import documents
from pairgen.draft import Contents
from pairgen.store import Store, Version
from tests.contents import contents

RECIPE = '[mine]\nmin_toxicity = {}\n[publish]\nname = "demo"\n'
OLDER = replace(contents(24), recipe=RECIPE.format(0.7))


def without(built: Contents, kind: str) -> Contents:
    """`built` without the pairs, and the members, whose negative is of `kind`."""
    pairs, last = built.pairs.filter(pl.col("negative_kind") != kind).collect(), pl.col("stage") == "filter"
    funnel = built.funnel.with_columns(
        kept=pl.when(last).then(pairs.height).otherwise("kept"),
        entered=pl.when(last).then(pairs.height + pl.col("dropped")).otherwise("entered"),
    )
    return replace(built, pairs=pairs.lazy(), members=built.members.filter(pl.col("kind") != kind), funnel=funnel)


def published(root: Path, *each: Contents) -> list[Version]:
    return [Store(root).publish("demo", built, documents=documents)[0] for built in each]


def test_the_first_version_has_none_before(tmp_path: Path) -> None:
    [version] = published(tmp_path, OLDER)

    assert version.stats()["since"] is None
    assert "Since" not in (version.path / "README.md").read_text() + (version.path / "card.html").read_text()


def test_what_came_what_went_and_what_decided(tmp_path: Path) -> None:
    newer = replace(without(OLDER, "negation"), recipe=RECIPE.format(0.6), fingerprints={"toxicity": "another"})

    _, version = published(tmp_path, OLDER, newer)

    found = version.stats()["since"]
    assert found["reference"] == version.manifest["parent"] == "demo@v1"
    assert found["pairs"] == [
        {"kind": "toxic", "same": 16, "added": 0, "removed": 0},
        {"kind": "negation", "same": 0, "added": 0, "removed": 8},
        {"kind": "swap_ent", "same": 8, "added": 0, "removed": 0},
        {"kind": "swap_num", "same": 8, "added": 0, "removed": 0},
    ]
    assert found["causes"]["recipe"] == [{"key": "mine.min_toxicity", "from": 0.7, "to": 0.6}]
    assert [row["role"] for row in found["causes"]["models"]] == ["toxicity", "judge"]
    assert (found["causes"]["corpus"], found["causes"]["code"]) == ([], None)
    assert {"count": "pairs", "from": 40, "to": 32} in found["counts"]
    readme, page = ((version.path / name).read_text() for name in ("README.md", "card.html"))
    assert "| negation | 0 | 0 | 8 |" in readme
    assert "| recipe | mine.min&#95;toxicity | 0.7 | 0.6 |" in readme
    assert '<td class="break">mine.min_toxicity</td><td class="break">0.7</td><td class="break">0.6</td>' in page
    assert "contrast-pairs diff demo@v1 demo@v2" in page


def test_a_damaged_version_before_is_said_to_be_and_stops_nothing(tmp_path: Path) -> None:
    [older] = published(tmp_path, OLDER)
    for name in older.manifest["files"]:
        if name.startswith("pairs/"):
            (older.path / name).chmod(0o644)
            (older.path / name).write_bytes(b"torn")

    [version] = published(tmp_path, without(OLDER, "negation"))

    assert version.stats()["since"] == {"reference": "demo@v1"}
    for name in ("README.md", "card.html"):
        assert "contrast-pairs verify demo@v1" in (version.path / name).read_text()
