"""Tags that move from version to version, and their history."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pairgen.errors import StoreError
from pairgen.records import write_record
from pairgen.store import Store, Version, verify
from pairgen.tags import tag_history, tags_of
from tests.contents import contents


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    for sets in (24, 27, 30):
        made.publish("demo", contents(sets), documents=lambda _: {})
    return made


def moves(version: Version) -> list[tuple[str, int | None, int]]:
    return [(move["tag"], move["from"], move["to"]) for move in tag_history(version)]


def test_a_tag_moves_and_its_history_says_from_where(store: Store) -> None:
    assert [store.tag(f"demo@v{number}", "production")["from"] for number in (1, 2, 2)] == [None, 1, 2]
    store.tag("demo@production", "2026.11-a_B")

    first, second, third = store.versions("demo")
    assert (tags_of(first), tags_of(second), tags_of(third)) == ([], ["2026.11-a_B", "production"], [])
    assert store.resolve("demo@production").number == store.resolve("demo@2026.11-a_B").number == 2
    assert moves(first) == [("production", None, 1), ("production", 1, 2)]
    assert moves(second) == [("production", 1, 2), ("2026.11-a_B", None, 2)]
    assert moves(third) == []
    assert {len(move["when"]) for move in tag_history(first)} == {25}
    assert all(move["who"] for move in tag_history(first))
    assert verify(second) == []


@pytest.mark.parametrize(
    ("tag", "what"),
    [
        ("v3", "reads as a version number"),
        ("V12", "reads as a version number"),
        ("latest", "reads as a version number"),
        ("Latest", "reads as a version number"),
        ("facade", "beginning of a digest"),
        ("123456", "beginning of a digest"),
        ("FACADE0", "beginning of a digest"),
        ("", "expected at most 64 letters"),
        ("../x", "expected at most 64 letters"),
        ("a/b", "expected at most 64 letters"),
        (".hidden", "expected at most 64 letters"),
        ("a b", "expected at most 64 letters"),
        ("a\n", "expected at most 64 letters"),
        ("é", "expected at most 64 letters"),
        ("a" * 65, "expected at most 64 letters"),
    ],
)
def test_what_cannot_be_a_tag_is_refused(store: Store, tag: str, what: str) -> None:
    with pytest.raises(StoreError, match=what) as caught:
        store.tag("demo@v1", tag)

    assert "\n" not in str(caught.value)
    assert not (store.root / "demo" / "tags.json").exists()


def test_a_tag_of_nothing_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match=r"no such version in .*; there are: demo@v1, demo@v2, demo@v3$"):
        store.tag("demo@v9", "production")


def test_many_at_once_lose_no_move(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(path: Path, record: dict[str, Any]) -> None:
        time.sleep(0.01)  # between what was read and what is written
        write_record(path, record)

    monkeypatch.setattr("pairgen.tags.write_record", slow)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda place: store.tag(f"demo@v{place % 3 + 1}", f"tag-{place % 4}"), range(24)))

    record = json.loads((store.root / "demo" / "tags.json").read_text())
    last: dict[str, int] = {}
    for move in record["history"]:
        assert move["from"] == last.get(move["tag"])
        last[move["tag"]] = move["to"]
    assert last == record["tags"]
    assert len(record["tags"]) == 4
    assert not list((store.root / "demo").glob(".publishing-*"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "damaged record of tags"),
        ("[]", "damaged record of tags"),
        ('{"format": 1, "tags": []}', "damaged record of tags .tags is no dict"),
        ('{"format": 1, "tags": {"a": "x"}}', "damaged record of tags .'a' is 'x'"),
        ('{"format": 9, "tags": {}}', "format 9, this release reads up to 1; upgrade"),
    ],
)
def test_a_damaged_record_is_one_line_and_stays_as_it_is(store: Store, text: str, what: str) -> None:
    path = store.root / "demo" / "tags.json"
    path.write_text(text)

    for ask in (lambda: store.resolve("demo@production"), lambda: store.tag("demo@v1", "production")):
        with pytest.raises(StoreError, match=what) as caught:
            ask()
        assert "\n" not in str(caught.value)
    assert path.read_text() == text
    assert store.resolve("demo@v1").number == 1
