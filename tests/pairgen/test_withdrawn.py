"""Withdrawn versions: still there, still sound, and out of use."""

from pathlib import Path

import pytest

from flows.recipe import recipe_of
from pairgen.errors import StoreError
from pairgen.store import Store, Version, verify
from pairgen.withdrawn import refuse_withdrawn, withdrawal_of
from tests.contents import contents


def publish(store: Store, sets: int) -> tuple[Version, bool]:
    return store.publish("demo", contents(sets), documents=lambda _: {})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    for sets in (24, 27, 30):
        publish(made, sets)
    return made


def test_a_withdrawn_version_is_sound_and_not_the_latest(store: Store) -> None:
    before = {path: path.read_bytes() for path in store.resolve("demo").path.rglob("*") if path.is_file()}

    version = store.withdraw("demo", "a person\n asked  for it")

    assert version.reference == "demo@v3"
    assert {path: path.read_bytes() for path in version.path.rglob("*") if path.is_file()} == before
    assert verify(version) == []
    stone = withdrawal_of(version)
    assert stone is not None
    assert (stone["reason"], stone["digest"]) == ("a person asked for it", version.digest)
    assert withdrawal_of(store.resolve("demo@v2")) is None
    assert [store.resolve(which).number for which in ("demo", "demo@latest", "demo@v3")] == [2, 2, 3]
    assert [each.number for each in store.versions()] == [1, 2, 3]


def test_nothing_is_trained_from_it(store: Store) -> None:
    version = store.withdraw("demo@v3", "a person asked for it")
    told = (
        r"^demo@v3: was withdrawn on 20..-..-.. \(a person asked for it\); use another: contrast-pairs versions demo$"
    )

    for refuses in (refuse_withdrawn, recipe_of, lambda version: store.tag(version.reference, "production")):
        with pytest.raises(StoreError, match=told):
            refuses(version)
    refuse_withdrawn(store.resolve("demo@v2"))


def test_twice_is_refused_and_the_first_reason_stays(store: Store) -> None:
    store.withdraw("demo@v1", "first")

    with pytest.raises(StoreError, match=r"demo@v1: was withdrawn on .* already \(first\)"):
        store.withdraw("demo@v1", "second")
    assert withdrawal_of(store.resolve("demo@v1"))["reason"] == "first"  # type: ignore[index]


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 501, "red \x1b[31m"])
def test_a_reason_that_tells_nobody_anything_is_refused(store: Store, reason: str) -> None:
    with pytest.raises(StoreError, match="expected a line of 1 to 500") as caught:
        store.withdraw("demo@v1", reason)

    assert "\n" not in str(caught.value)
    assert withdrawal_of(store.resolve("demo@v1")) is None


def test_with_all_withdrawn_there_is_no_latest(store: Store) -> None:
    for number in (1, 2, 3):
        store.withdraw(f"demo@v{number}", "wrong source")

    with pytest.raises(StoreError, match=r"^demo: every version of demo is withdrawn; `contrast-pairs versions demo`"):
        store.resolve("demo")


def test_the_same_pairs_are_not_published_again(store: Store) -> None:
    store.withdraw("demo@v3", "wrong source")

    with pytest.raises(StoreError, match=r"these are the pairs of demo@v3, which was withdrawn .*wrong source"):
        publish(store, 30)
    assert publish(store, 27) == (store.resolve("demo@v2"), False)  # the latest now
    assert publish(store, 24) == (store.resolve("demo@v1"), False)
    newer, _ = publish(store, 33)
    assert (newer.number, store.resolve("demo").number) == (4, 4)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": 1, "withdrawn": {"1": 3}}', '{"format": 1, "withdrawn": {"x": {}}}']
)
def test_a_damaged_record_keeps_everything_out_of_use(store: Store, text: str) -> None:
    (store.root / "demo" / "withdrawn.json").write_text(text)

    for ask in (lambda: store.resolve("demo"), lambda: refuse_withdrawn(store.resolve("demo@v1"))):
        with pytest.raises(StoreError, match="damaged record of withdrawn") as caught:
            ask()
        assert "\n" not in str(caught.value)
