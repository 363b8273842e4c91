"""Which versions are candidates, what `latest` means meanwhile, and how they stop being one."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from pairgen.candidates import Limits, beyond, is_candidate
from pairgen.draft import Contents
from pairgen.errors import StoreError
from pairgen.places import Place, place_of
from pairgen.store import Store, Version, verify
from tests.contents import contents

LIMITS = Limits(max_pairs_change=0.3, max_dropped_change=0.2, max_toxicity_change=0.05, max_similarity_change=0.05)


def publish(store: Store, made: Contents, limits: Limits = LIMITS) -> Version:
    return store.publish("demo", made, documents=lambda _: {}, review=partial(beyond, limits=limits))[0]


@pytest.fixture(params=["{folder}/store", "memory://{folder.name}"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place: Place = place_of(request.param.format(folder=tmp_path))
    made = Store(place)
    publish(made, contents(24))
    return made


def test_latest_is_not_a_candidate_until_it_has_had_a_tag(store: Store) -> None:
    halved = publish(store, contents(12))

    assert is_candidate(halved)
    assert halved.candidate[0] == "pairs 20, 40 in demo@v1: -50.0%, max_pairs_change is 0.3"
    assert verify(halved) == []
    assert [store.resolve(each).number for each in ("demo", "demo@latest", "demo@v2")] == [1, 1, 2]
    assert store.publish("demo", contents(12), documents=lambda _: {}) == (halved, False)

    store.tag("demo@v2", "accepted")

    assert not is_candidate(halved)
    assert store.resolve("demo").number == 2
    third = publish(store, contents(13))
    assert (third.candidate, store.resolve("demo").number) == ((), 3)
    store.tag("demo@v3", "accepted")
    assert not is_candidate(halved)  # the tag moved on, what was accepted stays so


def test_what_follows_a_candidate_is_held_against_the_latest(store: Store) -> None:
    publish(store, contents(12))

    again = publish(store, contents(13))
    back = publish(store, contents(23))

    assert is_candidate(again)
    assert "in demo@v1: " in again.candidate[0]
    assert back.candidate == ()
    assert store.resolve("demo").number == back.number == 4


def test_only_candidates_and_withdrawn_ones_have_no_latest(store: Store) -> None:
    publish(store, contents(12))
    store.withdraw("demo@v1", "wrong source")

    with pytest.raises(StoreError, match=r"^demo: every version of demo is a candidate or withdrawn; "):
        store.resolve("demo")


@pytest.mark.parametrize("score", ["toxicity", "similarity"])
@pytest.mark.parametrize(("by", "said"), [(0.049, 0), (0.051, 1), (-0.051, 1)])
def test_a_mean_that_moved(store: Store, score: str, by: float, said: int) -> None:
    made = contents(24)
    moved = made.pairs.with_columns(pl.col(f"score_{score}") + by)

    found = beyond(replace(made, pairs=moved), store.resolve("demo"), LIMITS)

    assert len(found) == said
    assert all(each.startswith(f"mean {score} ") for each in found)
    assert all(each.endswith(f" in demo@v1: {by:+}, max_{score}_change is 0.05") for each in found)
    assert beyond(replace(made, pairs=made.pairs.drop(f"score_{score}")), store.resolve("demo"), LIMITS) == []


def test_a_reason_that_drops_more(store: Store) -> None:
    made = contents(24)
    mined = made.dropped.filter(stage="mine").collect()["drop_reason"].unique().to_list()
    only = made.dropped.filter(pl.col("stage") != "mine")

    found = beyond(replace(made, dropped=only), store.resolve("demo"), Limits(max_dropped_change=0))

    assert [each.partition(" 0,")[0] for each in found] == [f"mine: dropped as {each}" for each in sorted(mined)]
    assert beyond(replace(made, dropped=only), store.resolve("demo"), Limits()) == []


@pytest.mark.parametrize("in_the_footer", [True, False])
def test_a_latest_version_that_is_damaged_makes_a_candidate(tmp_path: Path, in_the_footer: bool) -> None:
    store = Store(tmp_path)
    first = publish(store, contents(24))
    file = next(first.path.glob("pairs/train*"))
    written = file.read_bytes()
    footer = int.from_bytes(written[-8:-4], "little") + 8
    file.chmod(0o644)
    file.write_bytes(b"x" if in_the_footer else b"\xff" * (len(written) - footer) + written[-footer:])

    version = publish(store, contents(23))

    assert version.candidate[0].startswith("demo@v1 cannot be compared with: ")


def test_prune_keeps_the_latest_behind_candidates(tmp_path: Path) -> None:
    store = Store(tmp_path)
    publish(store, contents(24), Limits())
    publish(store, contents(30), Limits())
    for sets in (12, 11, 10):
        publish(store, contents(sets))

    verdicts, _ = store.prune("demo", keep=1, models=tmp_path / "models", remove=False)

    assert {each.version.number: each.reasons for each in verdicts if each.reasons} == {
        1: ("parent of demo@v2",),
        2: ("latest",),
        4: ("parent of demo@v5",),
        5: ("newest",),
    }
