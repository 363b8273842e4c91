"""What may be removed of a store, what may not, and that no number comes back."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pairgen.errors import StoreError
from pairgen.store import Store, Version, verify
from tests.contents import contents


def publish(store: Store, sets: int) -> Version:
    return store.publish("demo", contents(sets), documents=lambda _: {})[0]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    for sets in (12, 15, 18, 21, 24, 27):
        publish(made, sets)
    return made


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def stays(store: Store, models: Path, *, keep: int = 1, remove: bool = False) -> dict[int, list[str]]:
    verdicts, _ = store.prune("demo", keep=keep, models=models, remove=remove)
    return {verdict.version.number: list(verdict.reasons) for verdict in verdicts if verdict.reasons}


def numbers(store: Store) -> list[int]:
    return [version.number for version in store.versions("demo")]


def trained(version: Version, folder: Path, /, **other: str) -> None:
    folder.mkdir(parents=True)
    lineage = {"version": version.reference, "digest": version.digest, **other}
    (folder / "lineage.json").write_text(json.dumps(lineage))


def test_without_remove_nothing_is_removed(store: Store, models: Path) -> None:
    before = sorted(path for path in store.root.rglob("*"))

    assert stays(store, models) == {6: ["newest"], 5: ["parent of demo@v6"]}
    assert sorted(path for path in store.root.rglob("*")) == before


def test_what_another_version_is_held_against_stays(store: Store, models: Path) -> None:
    recipe = f'[[filters]]\nkind = "near_duplicate"\nagainst = ["demo@v2@{store.resolve("demo@v2").digest}"]\n'
    store.publish("other", replace(contents(), recipe=recipe), documents=lambda _: {})

    assert stays(store, models) == {
        6: ["newest"],
        5: ["parent of demo@v6"],
        2: ["held against by other@v1"],
        1: ["parent of demo@v2"],
    }


def test_what_is_referred_to_stays(store: Store, models: Path) -> None:
    store.tag("demo@v2", "production")
    trained(store.resolve("demo@v4"), models / "deep" / "demo-v4")

    assert stays(store, models, remove=True) == {
        1: ["parent of demo@v2"],
        2: ["tag production"],
        3: ["parent of demo@v4"],
        4: [f"model {models}/deep/demo-v4"],
        5: ["parent of demo@v6"],
        6: ["newest"],
    }
    assert numbers(store) == [1, 2, 3, 4, 5, 6]


def test_keep_says_how_many_of_the_newest_that_are_not_withdrawn_stay(store: Store, models: Path) -> None:
    assert sorted(stays(store, models, keep=3)) == [3, 4, 5, 6]
    store.withdraw("demo@v5", "wrong source")
    assert sorted(stays(store, models, keep=3)) == [2, 3, 4, 5, 6]  # v5 as parent of v6
    assert sorted(stays(store, models, keep=100)) == [1, 2, 3, 4, 5, 6]
    store.withdraw("demo@v6", "wrong source")
    assert sorted(stays(store, models, keep=1)) == [3, 4]


def test_what_is_removed_is_gone_for_good_and_says_so(store: Store, models: Path) -> None:
    digest = store.resolve("demo@v2").digest

    stays(store, models, remove=True)

    assert numbers(store) == [5, 6]
    assert sorted(path.name for path in (store.root / "demo").iterdir()) == [
        ".lock", ".numbers", "pruned.json", "v0005", "v0006",
    ]  # fmt: skip
    with pytest.raises(StoreError, match=r"^demo@v2: pruned on 20..-..-..; there are: demo@v5, demo@v6$"):
        store.resolve("demo@v2")
    assert json.loads((store.root / "demo" / "pruned.json").read_text())["pruned"]["2"]["digest"] == digest
    assert [verify(version) for version in store.versions()] == [[], []]
    assert stays(store, models, remove=True) == {6: ["newest"], 5: ["parent of demo@v6"]}


def test_a_number_is_not_given_again_even_if_its_record_is_lost(store: Store, models: Path) -> None:
    for number in (5, 6):
        store.withdraw(f"demo@v{number}", "wrong source")
    stays(store, models, remove=True)
    (store.root / "demo" / ".numbers").unlink()

    assert numbers(store) == [3, 4]
    assert publish(store, 30).number == 7


def test_a_model_of_the_same_pairs_or_of_the_same_name_keeps_a_version(store: Store, models: Path) -> None:
    trained(store.resolve("demo@v1"), models / "a", version="other@v9")
    trained(store.resolve("demo@v3"), models / "b", digest="0" * 64)

    assert {1, 3} <= stays(store, models).keys()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": "demo@v1"}'])
def test_a_model_that_does_not_say_what_it_is_of_keeps_everything(store: Store, models: Path, text: str) -> None:
    models.mkdir()
    (models / "lineage.json").write_text(text)

    with pytest.raises(StoreError, match=r"lineage\.json: does not say .* nothing is removed") as caught:
        store.prune("demo", keep=1, models=models, remove=True)

    assert "\n" not in str(caught.value)
    assert len(numbers(store)) == 6


def test_leftovers_of_a_day_ago_go_and_fresh_ones_stay(store: Store, models: Path) -> None:
    old = time.time() - 25 * 3600
    home = store.root / "demo"
    for folder in (store.root / ".build-old", store.root / ".build-new", home / ".publishing-old", home / ".pruned-x"):
        folder.mkdir()
        (folder / "table").write_text("x")
    (store.root / ".build-busy" / "shard").mkdir(parents=True)
    (home / ".publishing-file").write_text("3")
    for path in (store.root / ".build-busy", *store.root.glob("**/*old*"), *store.root.glob("**/*old*/*")):
        os.utime(path, (old, old))
    os.utime(home / ".publishing-file", (old, old))

    _, found = store.prune("demo", keep=6, models=models, remove=True)

    assert [path.name for path in found] == [".build-old", ".pruned-x", ".publishing-file", ".publishing-old"]
    assert not any(path.exists() for path in found)
    assert (store.root / ".build-busy" / "shard").is_dir()
    assert (store.root / ".build-new" / "table").is_file()


def test_a_prune_that_was_stopped_is_finished_by_the_next(
    store: Store, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pairgen.prune.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            stays(store, models, remove=True)
    assert numbers(store) == [2, 3, 4, 5, 6]

    stays(store, models, remove=True)

    assert numbers(store) == [5, 6]
    assert not list((store.root / "demo").glob(".pruned-*"))


def test_a_data_set_that_is_not_there(store: Store, models: Path) -> None:
    for name, what in (("other", "no data set 'other'"), ("../x", "no name of a data set"), ("demo@v1", "no name of")):
        with pytest.raises(StoreError, match=what):
            store.prune(name, keep=1, models=models, remove=True)
