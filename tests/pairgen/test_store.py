"""Publishing, references and `verify`, on real folders and real Parquet files."""

import errno
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, tzinfo
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pairgen.draft import code_version
from pairgen.errors import ContrastPairsError, SchemaError, StoreError
from pairgen.schema import MEMBERS
from pairgen.store import Draft, Store, Version, verify
from pairgen.version import content_digest, manifest_digest
from tests.contents import contents

MANIFEST_WITH = (
    '{{"format": 1, "name": "", "number": 1, "digest": "", "created": "", "code": "", "fingerprints": {{}}, '
    '"counts": {{}}, "source": [], "files": {files}, "funnel": {funnel}}}'
)
TABLES = ("pairs", "members", "dropped")


def test_the_code_of_a_version_is_told_by_its_modules_and_their_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in ("pairgen/draft.py", "pairgen/lexicon.csv", "flows/build.py", "tests/test_draft.py"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("damn\n")
    monkeypatch.setattr("pairgen.draft.__file__", str(tmp_path / "pairgen" / "draft.py"))
    told = code_version.__wrapped__()

    (tmp_path / "tests" / "test_draft.py").write_text("darn\n")
    (tmp_path / "pairgen" / "__pycache__").mkdir()
    (tmp_path / "pairgen" / "__pycache__" / "draft.pyc").write_text("\n")
    assert code_version.__wrapped__() == told
    (tmp_path / "pairgen" / "lexicon.csv").write_text("darn\n")
    assert code_version.__wrapped__() != told


def documents(draft: Draft) -> dict[str, str]:
    pairs = draft.contents.pairs.collect().height
    return {"README.md": f"# {draft.reference}\n", "stats.json": json.dumps({"pairs": pairs})}


def publish(store: Store, sets: int = 24, *, name: str = "demo") -> Version:
    return store.publish(name, contents(sets), documents=documents)[0]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def alter(path: Path, change: Callable[[bytes], bytes]) -> None:
    altered = change(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(altered)


def test_a_version_gives_back_what_was_published(store: Store) -> None:
    built = contents()
    shuffled = replace(built, pairs=built.pairs.collect().sample(fraction=1, shuffle=True, seed=1).lazy())

    version, _ = store.publish("demo", shuffled, documents=documents)

    assert version.reference == "demo@v1"
    assert version.path == store.root / "demo" / "v0001"
    assert version.pairs().equals(built.pairs.sort("pair_id").collect())
    assert version.members().equals(built.members.sort("member_id").collect())
    ledger = ["id", "drop_reason"]
    assert version.dropped().sort(ledger).equals(built.dropped.sort(ledger).collect())
    assert version.stats() == {"pairs": built.pairs.collect().height}
    assert version.manifest["counts"]["sets"] == 24
    assert version.manifest["counts"]["dropped_by_split"] == {"train": 8, "unsplit": 2}
    assert (version.path / "recipe.toml").read_text() == built.recipe
    assert verify(version) == []


def test_files_are_read_only_and_nothing_else_is_left(store: Store) -> None:
    version = publish(store)

    assert {path.stat().st_mode & 0o777 for path in version.path.rglob("*") if path.is_file()} == {0o444}
    assert sorted(path.name for path in (store.root / "demo").iterdir()) == [".numbers", "v0001"]


def test_cut_into_portions_and_files_a_version_is_the_same(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = contents()
    whole, _ = store.publish("demo", built, documents=documents)
    monkeypatch.setattr("pairgen.version._SLICE", 2)
    monkeypatch.setattr("pairgen.draft._ROWS_A_FILE", 7)
    shuffled = built.pairs.collect().sample(fraction=1, shuffle=True, seed=1).lazy()

    version, _ = Store(tmp_path / "cut").publish("demo", replace(built, pairs=shuffled), documents=documents)

    assert version.digest == whole.digest
    assert verify(version) == []
    assert version.manifest["counts"] == whole.manifest["counts"]
    for table in ("pairs", "members", "dropped"):
        assert_frame_equal(getattr(version, table)(), getattr(whole, table)())
    files = sorted(path.name for path in (version.path / "pairs").glob("train-*"))
    assert files == [f"train-{number:05d}-of-00003.parquet" for number in range(3)]


def test_the_digest_is_of_the_rows_not_of_their_order_or_bytes(store: Store) -> None:
    built = contents()
    turned = replace(built, pairs=built.pairs.reverse(), members=built.members.reverse())
    columns = built.pairs.collect_schema().names()
    moved = replace(built, pairs=built.pairs.select(*columns[:11], *reversed(columns[11:])))
    scored = built.pairs.with_columns(score_judge=pl.col("score_judge") + 0.25)
    first = publish(store)

    assert content_digest(turned.pairs, turned.members) == first.digest
    assert content_digest(moved.pairs, moved.members) == first.digest
    assert content_digest(scored, built.members) != first.digest
    assert content_digest(built.pairs, built.members.slice(1)) != first.digest
    assert content_digest(built.pairs.rename({"score_judge": "score_other"}), built.members) != first.digest
    assert not store.publish("demo", turned, documents=documents)[1]
    assert [version.number for version in store.versions()] == [1]


def test_no_two_versions_hold_the_same_pairs_though_another_came_between(store: Store) -> None:
    first, second = publish(store), publish(store, 27)

    assert store.publish("demo", contents(), documents=documents) == (first, False)

    assert [version.digest for version in store.versions()] == [first.digest, second.digest]
    assert store.resolve("demo") == second


def test_a_damaged_manifest_stops_a_publish_only_where_it_is_the_newest(store: Store) -> None:
    first, second = publish(store), publish(store, 27)
    for version, refused in ((first, False), (second, True)):
        manifest = version.path / "manifest.json"
        manifest.chmod(0o644)
        manifest.write_text("{")
        if refused:
            with pytest.raises(StoreError, match="demo/v0002"):
                store.publish("demo", contents(30), documents=documents)
        else:
            assert not store.publish("demo", contents(27), documents=documents)[1]


def test_a_damaged_manifest_of_old_stops_nothing_though_another_is_withdrawn(store: Store) -> None:
    first, second, third = publish(store), publish(store, 27), publish(store, 30)
    store.withdraw(second.reference, "wrong source")
    manifest = first.path / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text("{")

    assert store.resolve("demo") == third
    assert not store.publish("demo", contents(30), documents=documents)[1]
    assert publish(store, 33).number == 4


def test_a_change_in_dropped_alone_publishes_nothing(store: Store) -> None:
    built = contents()
    publish(store)
    other = replace(built, dropped=built.dropped.with_columns(score=pl.lit(0.9)))

    assert not store.publish("demo", other, documents=documents)[1]


def test_the_parent_is_the_version_before_and_documents_see_it(store: Store) -> None:
    first, second = publish(store), publish(store, 27)

    assert (first.manifest["parent"], second.manifest["parent"]) == (None, "demo@v1")
    assert (second.path / "README.md").read_text() == "# demo@v2\n"
    assert re.fullmatch(r"\S+\+[0-9a-f]{12}", second.manifest["code"])
    assert second.manifest["created"].endswith("+00:00")


def test_a_number_is_never_reused(store: Store) -> None:
    publish(store, 24)
    shutil.rmtree(publish(store, 27).path)
    (store.root / "demo" / "v0007").mkdir()

    assert publish(store, 30).number == 8


def test_a_removed_newest_version_keeps_its_number(store: Store) -> None:
    publish(store, 24)
    shutil.rmtree(publish(store, 27).path)

    version = publish(store, 27)

    assert (version.number, version.manifest["parent"]) == (3, "demo@v1")


def test_a_version_that_landed_counts_though_its_number_cannot_be_recorded(store: Store, tmp_path: Path) -> None:
    version = publish(store)
    other = Store(tmp_path / "other")
    (other.root / "demo" / ".numbers").mkdir(parents=True)  # no file can be renamed to a folder

    pulled, new = other.adopt(version.path, source="people/demo")

    assert (pulled.digest, new) == (version.digest, True)
    assert sorted(path.name for path in (other.root / "demo").iterdir()) == [".numbers", "v0001"]


def test_a_publisher_that_was_overtaken_takes_the_next_number(store: Store) -> None:
    overtaken: list[int] = []

    def slow(draft: Draft) -> dict[str, str]:
        if not overtaken:
            overtaken.append(publish(store, 27).number)
        return documents(draft)

    version, _ = store.publish("demo", contents(24), documents=slow)

    assert (overtaken, version.number, version.manifest["parent"]) == ([1], 2, "demo@v1")
    assert (version.path / "README.md").read_text() == "# demo@v2\n"
    assert [verify(each) for each in store.versions()] == [[], []]


def test_two_publishers_of_the_same_rows_make_one_version(store: Store) -> None:
    def slow(draft: Draft) -> dict[str, str]:
        if not store.names():
            publish(store)
        return documents(draft)

    assert not store.publish("demo", contents(), documents=slow)[1]
    assert [version.number for version in store.versions()] == [1]


def test_many_publishers_at_once(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda sets: store.publish("demo", contents(sets), documents=documents), [12, 15, 18, 21] * 3)
        )

    found = store.versions()
    assert [version.number for version in found] == list(range(1, len(found) + 1))
    assert sorted(version.number for version, is_new in made if is_new) == [version.number for version in found]
    assert [verify(version) for version in found] == [[]] * len(found)
    assert all(older.digest != newer.digest for older, newer in pairwise(found))


def test_an_error_while_documents_are_made_leaves_nothing(store: Store) -> None:
    def broken(draft: Draft) -> dict[str, str]:
        raise RuntimeError(draft.name)

    with pytest.raises(RuntimeError, match="demo"):
        store.publish("demo", contents(), documents=broken)

    assert store.names() == []
    assert [path.name for path in (store.root / "demo").iterdir()] == [".numbers"]


def test_a_version_without_pairs_is_refused(store: Store) -> None:
    built = contents()

    with pytest.raises(StoreError, match="no pair was kept"):
        store.publish("demo", replace(built, pairs=built.pairs.clear()), documents=documents)


@pytest.mark.parametrize(
    ("column", "what"),
    [("set_id", "40 have no set in members"), ("positive", "the positive of 40"), ("negative", "the negative of 40")],
)
def test_pairs_that_are_not_of_their_members_are_refused(store: Store, column: str, what: str) -> None:
    built = contents()
    strayed = built.pairs.with_columns(pl.col(column) + "x")

    with pytest.raises(SchemaError, match=what):
        store.publish("demo", replace(built, pairs=strayed), documents=documents)


def test_pairs_in_another_split_than_their_set_are_refused(store: Store) -> None:
    built = contents()

    with pytest.raises(SchemaError, match="no set in members of their split"):
        store.publish("demo", replace(built, pairs=built.pairs.with_columns(split=pl.lit("test"))), documents=documents)


def test_a_set_in_two_splits_is_refused(store: Store) -> None:
    built = contents()
    torn = built.members.with_columns(
        split=pl.when(pl.col("role") == "positive").then(pl.lit("test")).otherwise("split")
    )

    with pytest.raises(SchemaError, match="members: 18 sets stand in two splits"):
        store.publish("demo", replace(built, members=torn), documents=documents)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"kept": pl.col("kept") + 1}, "funnel: mine: 28 entered, but 25 kept . 4 dropped"),
        ({"dropped": pl.col("dropped") + 1, "entered": pl.col("entered") + 1}, "dropped: 6 rows of stage filter"),
    ],
)
def test_sums_that_do_not_add_up_are_refused(store: Store, change: dict[str, pl.Expr], what: str) -> None:
    built = contents()

    with pytest.raises(SchemaError, match=what):
        store.publish("demo", replace(built, funnel=built.funnel.with_columns(**change)), documents=documents)


def test_a_dropped_row_of_an_unknown_split_is_refused(store: Store) -> None:
    built = contents()

    with pytest.raises(SchemaError, match="rows of split 'dev'"):
        store.publish(
            "demo", replace(built, dropped=built.dropped.with_columns(split=pl.lit("dev"))), documents=documents
        )


def test_references(store: Store) -> None:
    first, second = publish(store, 24), publish(store, 27)
    store.tag("demo@v1", "production")

    found = {which: store.resolve(f"demo{which}").number for which in ("", "@latest", "@v1", "@v2", "@production")}

    assert found == {"": 2, "@latest": 2, "@v1": 1, "@v2": 2, "@production": 1}
    assert store.resolve(f"demo@{first.digest[:6]}").number == 1
    assert store.resolve(f"demo@{second.digest}").number == 2


@pytest.mark.parametrize(
    ("reference", "what"),
    [
        ("other", "no data set 'other' in .*; there are: demo$"),
        ("demo@v3", "no such version in .*; there are: demo@v1$"),
        ("demo@", "no such version"),
        ("demo@nightly", "no such version"),
        ("demo@12345", "no such version"),
        ("demo@../../x", "no such version"),
        ("../../x", "no name of a data set"),
        ("/etc", "no name of a data set"),
        ("Demo", "no name of a data set"),
        ("", "no name of a data set"),
        ("a" * 65, "no name of a data set"),
        (".publishing-00", "no name of a data set"),
    ],
)
def test_an_unknown_or_impossible_reference_is_one_line(store: Store, reference: str, what: str) -> None:
    publish(store)

    with pytest.raises(StoreError, match=what) as caught:
        store.resolve(reference)

    assert "\n" not in str(caught.value)


def test_the_beginning_of_two_digests_is_ambiguous(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store)
    publish(store, 27)
    monkeypatch.setattr(Version, "digest", property(lambda version: f"abcdef{version.number:058}"))

    assert store.resolve(f"demo@abcdef{2:058}").number == 2
    with pytest.raises(StoreError, match="fits demo@v1, demo@v2; give more characters"):
        store.resolve("demo@abcdef")


@pytest.mark.parametrize("name", ["../x", "x/y", "", "X", "-x", "a b", ".numbers", "x\n"])
def test_no_name_leaves_the_store(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="no name of a data set"):
        store.publish(name, contents(), documents=documents)

    assert not store.root.exists()


def test_an_absent_or_empty_store_has_no_versions(store: Store) -> None:
    assert (store.names(), store.versions(), store.versions("demo")) == ([], [], [])
    with pytest.raises(StoreError, match="contrast-pairs build"):
        store.resolve("demo")


def test_what_is_half_published_is_no_version(store: Store) -> None:
    version = publish(store)
    shutil.copytree(version.path, store.root / "demo" / ".publishing-dead")
    (store.root / "demo" / "v0002").mkdir()
    (store.root / "notes").mkdir()

    assert store.names() == ["demo"]
    assert [each.number for each in store.versions()] == [1]
    assert store.resolve("demo").number == 1


def test_a_file_where_the_store_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    for ask in (Store.names, Store.versions, lambda store: store.resolve("demo"), publish):
        with pytest.raises(StoreError, match="is a file, a store is a folder"):
            ask(Store(tmp_path / "file"))


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    store = Store(Path("/proc/contrast-pairs"))

    with pytest.raises(StoreError, match=r"cannot publish .*nothing was published"):
        publish(store)


def test_a_clock_that_goes_back_changes_no_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2001, 1, 1, tzinfo=tz)

    first = publish(store, 24)
    monkeypatch.setattr("pairgen.store.datetime", Earlier)

    second = publish(store, 25)

    assert second.manifest["created"] == "2001-01-01T00:00:00+00:00" < first.manifest["created"]
    assert (second.number, second.manifest["parent"]) == (2, first.reference)
    assert [version.number for version in store.versions("demo")] == [1, 2]
    assert store.resolve("demo").number == store.resolve("demo@latest").number == 2
    assert verify(second) == []
    assert not store.publish("demo", contents(25), documents=documents)[1]
    assert publish(store, 26).reference == "demo@v3"


_LIMITED = """
import resource, sys
from pathlib import Path
from pairgen.errors import StoreError
from pairgen.store import Store
from tests.contents import contents

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    Store(Path(sys.argv[1])).publish("demo", contents(), documents=lambda draft: {"card.html": "x" * 30_000})
except StoreError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("limit", [1, 2_000, 20_000])
def test_a_disk_that_fills_leaves_nothing(store: Store, limit: int) -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    command = [sys.executable, "-c", _LIMITED, str(store.root), str(limit)]

    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)

    assert done.returncode == 1, done.stderr
    assert os.strerror(errno.EFBIG) in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name for path in (store.root / "demo").iterdir()} <= {".numbers"}


@pytest.mark.parametrize("table", TABLES)
def test_verify_names_a_flipped_byte(store: Store, table: str) -> None:
    version = publish(store)
    name = f"{table}/train-00000-of-00001.parquet"
    alter(version.path / name, lambda raw: raw[:200] + bytes([raw[200] ^ 1]) + raw[201:])

    assert f"{name}: its bytes are not those that were published" in verify(version)


def test_verify_names_missing_extra_and_renamed_files(store: Store) -> None:
    version = publish(store)
    (version.path / "README.md").rename(version.path / "READ.md")
    (version.path / "extra.txt").write_text("x")
    (version.path / "pairs" / "test-00000-of-00001.parquet").unlink()

    problems = verify(version)

    assert "README.md: was renamed to READ.md" in problems
    assert "extra.txt: not in the manifest" in problems
    assert not any("READ.md: not" in problem for problem in problems)
    assert "pairs/test-00000-of-00001.parquet: missing" in problems
    with pytest.raises(StoreError, match="contrast-pairs verify demo@v1"):
        version.pairs()


def forge(version: Version, table: str, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Version:
    """`version` with the train rows of `table` changed and the manifest made to fit their bytes."""
    path = version.path / table / "train-00000-of-00001.parquet"
    path.chmod(0o644)
    change(pl.read_parquet(path)).write_parquet(path)
    manifest = json.loads((version.path / "manifest.json").read_text())
    raw = path.read_bytes()
    stated = {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}
    manifest["files"][path.relative_to(version.path).as_posix()] = stated
    manifest["manifest_digest"] = manifest_digest(manifest)
    return replace(version, manifest=manifest)


@pytest.mark.parametrize(
    ("table", "change", "what"),
    [
        ("pairs", lambda rows: rows.with_columns(score_judge=0.5), "digest: "),
        ("pairs", lambda rows: rows.head(-1), "counts: "),
        ("pairs", lambda rows: rows.with_columns(split=pl.lit("test")), "holds rows of another split"),
        ("pairs", lambda rows: rows.drop("positive"), "pairs: cannot be read"),
        ("members", lambda rows: rows.with_columns(kind=pl.lit("odd")), "column 'kind' holds 'odd'"),
        ("members", lambda rows: rows.with_columns(role=pl.lit("positive")), "the negative of"),
        ("members", lambda rows: rows.filter(pl.col("role") == "negative"), "the positive of"),
        ("members", lambda rows: rows.with_columns(parent_id=pl.lit("x")), "the parent_id of 9 is no positive"),
        ("members", lambda rows: rows.with_columns(parent_id=pl.col("member_id")), "the parent_id of 24 is no"),
        ("members", lambda rows: pl.concat([rows, rows.head(1)]), "stands 2 times"),
        ("pairs", lambda rows: rows.with_columns(positive=pl.lit("x")), "the positive of"),
        ("dropped", lambda rows: rows.head(-1), "dropped: 3 rows of stage mine, the funnel says 4"),
    ],
)
def test_verify_looks_at_the_rows_too(
    store: Store, table: str, change: Callable[[pl.DataFrame], pl.DataFrame], what: str
) -> None:
    problems = verify(forge(publish(store), table, change))

    assert any(what in problem for problem in problems), problems


def test_a_forged_version_that_was_not_changed_is_sound(store: Store) -> None:
    assert verify(forge(publish(store), "pairs", lambda rows: rows)) == []


def test_verify_says_that_the_manifest_was_edited(store: Store) -> None:
    version = publish(store)
    alter(version.path / "manifest.json", lambda raw: raw.replace(b'"sets": 24', b'"sets": 25'))

    problems = verify(store.resolve("demo"))

    assert problems[0].startswith("manifest.json: was edited")
    assert any(problem.startswith("counts: ") for problem in problems)


def test_verify_says_that_the_digest_of_the_manifest_was_taken_out(store: Store) -> None:
    version = publish(store)
    manifest = {key: entry for key, entry in version.manifest.items() if key != "manifest_digest"}

    assert verify(replace(version, manifest=manifest)) == [
        "manifest.json: was edited after publishing (its own digest was taken out)"
    ]


def test_verify_takes_no_link_for_a_file(store: Store, tmp_path: Path) -> None:
    version = publish(store)
    for name in ("README.md", "manifest.json"):
        (version.path / name).rename(tmp_path / name)
        (version.path / name).symlink_to(tmp_path / name)
    (version.path / "more").symlink_to(tmp_path)

    assert verify(store.resolve("demo")) == [
        "README.md: is a link, a version holds its own files",
        "manifest.json: is a link, a version holds its own files",
        "more: not in the manifest",
    ]


def test_a_text_in_two_splits_is_refused(store: Store) -> None:
    built = contents()
    first = {
        split: built.pairs.filter(pl.col("split") == split).collect()["positive"][0] for split in ("train", "test")
    }
    shared = {
        table: rows.with_columns(pl.col(column).replace(first["test"], first["train"]))
        for table, rows, column in (("pairs", built.pairs, "positive"), ("members", built.members, "text"))
    }

    with pytest.raises(SchemaError, match="pairs: 1 texts stand in two splits, first in pair_id "):
        store.publish("demo", replace(built, **shared), documents=documents)


def test_verify_says_that_a_version_was_moved(store: Store) -> None:
    publish(store).path.rename(store.root / "demo" / "v0009")

    assert verify(store.resolve("demo")) == ["manifest.json: is of demo@v1, found in the folder of demo@v9"]


def test_verify_reads_nothing_outside_the_version(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    version = publish(store)
    for name in ("../../../secret", str(tmp_path / "secret")):
        manifest = {**version.manifest, "files": {**version.manifest["files"], name: {"sha256": "", "size": 1}}}

        assert f"{name}: the manifest names a file outside the version" in verify(replace(version, manifest=manifest))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "damaged manifest"),
        ("[]", "damaged manifest"),
        ('{"format": 1}', "damaged manifest"),
        (MANIFEST_WITH.format(files='{"x": 3}', funnel="[]"), "damaged manifest .files: x has no sha256 and size"),
        (MANIFEST_WITH.format(files="{}", funnel='[{"stage": 1}]'), "damaged manifest .funnel: a row has other"),
        ('{"format": 99}', "format 99, this release reads up to 1; upgrade"),
    ],
)
def test_a_damaged_or_newer_manifest_is_one_line(store: Store, text: str, what: str) -> None:
    version = publish(store)
    publish(store, 27)
    alter(version.path / "manifest.json", lambda _: text.encode())

    with pytest.raises(ContrastPairsError, match=what) as caught:
        store.resolve("demo@v1")

    assert "\n" not in str(caught.value)
    assert store.resolve("demo@v2").number == 2


def test_nothing_is_published_after_a_damaged_manifest_until_its_folder_is_removed(store: Store) -> None:
    publish(store, 24)
    damaged = publish(store, 27)
    alter(damaged.path / "manifest.json", lambda _: b"{")

    with pytest.raises(StoreError, match=r"v0002/manifest.json: damaged .*; restore it, or remove that folder and"):
        publish(store, 30)
    assert sorted(path.name for path in (store.root / "demo").iterdir()) == [".numbers", "v0001", "v0002"]
    shutil.rmtree(damaged.path)

    version = publish(store, 30)
    assert (version.number, version.manifest["parent"]) == (3, "demo@v1")


def test_a_table_without_rows_is_read_with_its_columns(store: Store) -> None:
    built = contents()
    funnel = built.funnel.with_columns(entered=pl.col("kept"), dropped=pl.lit(0, dtype=pl.Int64))
    clean = replace(built, dropped=built.dropped.clear(), funnel=funnel)

    version, _ = store.publish("demo", clean, documents=documents)

    assert (version.dropped().height, "drop_reason" in version.dropped().columns) == (0, True)
    assert version.members().select(*MEMBERS).schema == MEMBERS
    assert verify(version) == []
