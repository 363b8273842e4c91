"""The store at a URL: in fsspec's memory, and on a real S3-compatible server on loopback."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import datasets
import polars as pl
import pytest

from pairgen import places, turns
from pairgen.errors import StoreError
from pairgen.places import Remote, local_folder, place_of
from pairgen.store import Draft, Store, Version, verify
from pairgen.tags import tags_of
from pairgen.version import content_digest
from pairgen.withdrawn import refuse_withdrawn
from tests.contents import contents
from tests.s3_server import BUCKET, UNANSWERED, serve_s3

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    with serve_s3() as environment, pytest.MonkeyPatch.context() as patch:
        for name, setting in environment.items():
            patch.setenv(name, setting)
        yield environment


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(turns, "_POLL_SECONDS", 0.02)
    if request.param == "s3":
        request.getfixturevalue("s3")
        return f"s3://{BUCKET}/{secrets.token_hex(4)}/store"
    return f"memory://{secrets.token_hex(4)}"


@pytest.fixture
def store(url: str) -> Store:
    return Store(url)


def documents(draft: Draft) -> dict[str, str]:
    pairs = draft.contents.pairs.collect().height
    return {"README.md": f"# {draft.reference}\n", "stats.json": json.dumps({"pairs": pairs})}


def publish(store: Store, sets: int = 24, *, name: str = "demo") -> Version:
    return store.publish(name, contents(sets), documents=documents)[0]


def root(store: Store) -> Remote:
    assert isinstance(store.root, Remote)
    return store.root


def test_a_version_gives_back_what_was_published(store: Store, url: str, tmp_path: Path) -> None:
    built = contents()

    version = publish(store)

    assert (version.reference, str(version.place)) == ("demo@v1", f"{url}/demo/v0001")
    again = store.resolve(f"demo@{content_digest(built.pairs, built.members)[:8]}")
    assert again.manifest == version.manifest
    assert again.pairs().equals(built.pairs.sort("pair_id").collect())
    assert again.members().equals(built.members.sort("member_id").collect())
    assert again.stats() == {"pairs": built.pairs.collect().height}
    assert verify(again) == []
    local = Store(tmp_path / "store")
    assert publish(local).digest == version.digest
    own = {f"v0001/{name}" for name in ("manifest.json", *version.manifest["files"])}
    assert set((root(store) / "demo").sizes()) == {".turns/publish/0001"} | own
    assert not list(local_folder(store.root).glob(".publishing-*"))


def test_the_same_rows_publish_nothing_new_and_others_the_next_number(store: Store) -> None:
    first = publish(store)

    assert not store.publish("demo", contents(), documents=documents)[1]
    second = publish(store, 27)

    assert [version.number for version in store.versions()] == [first.number, second.number]
    assert second.number > first.number
    assert second.manifest["parent"] == "demo@v1"
    assert store.resolve("demo").number == second.number


def test_an_empty_store_has_no_versions(store: Store) -> None:
    assert (store.names(), store.versions(), store.versions("demo")) == ([], [], [])
    with pytest.raises(StoreError, match=r"no data set 'demo' in \w+://.*contrast-pairs build"):
        store.resolve("demo")


def test_tags_withdrawals_and_prunes(store: Store, tmp_path: Path) -> None:
    for sets in (12, 15, 18, 21):
        publish(store, sets)

    assert store.tag("demo@v1", "production")["from"] is None
    assert store.tag("demo@v2", "production")["from"] == 1
    store.withdraw("demo@v4", "a person asked for it")

    assert tags_of(store.resolve("demo@production")) == ["production"]
    assert [store.resolve(f"demo{which}").number for which in ("", "@production", "@v4")] == [3, 2, 4]
    with pytest.raises(StoreError, match="was withdrawn"):
        refuse_withdrawn(store.resolve("demo@v4"))
    with pytest.raises(StoreError, match="these are the pairs of demo@v4, which was withdrawn"):
        publish(store, 21)
    verdicts, _ = store.prune("demo", keep=1, models=tmp_path / "models", remove=False)
    assert [verdict.reasons for verdict in verdicts] == [
        ("parent of demo@v2",), ("tag production", "parent of demo@v3"), ("newest",), (),
    ]  # fmt: skip
    assert [version.number for version in store.versions()] == [1, 2, 3, 4]
    store.prune("demo", keep=1, models=tmp_path / "models", remove=True)
    assert [version.number for version in store.versions()] == [1, 2, 3]
    with pytest.raises(StoreError, match=r"^demo@v4: pruned on 20..-..-..; there are: demo@v1, demo@v2, demo@v3$"):
        store.resolve("demo@v4")
    assert not [name for name, size in root(store).sizes().items() if name.startswith("demo/v0004/") and size]
    assert publish(store, 24).number > 4


def test_verify_reads_what_is_there_now(store: Store) -> None:
    version = publish(store)
    place = root(store) / "demo" / "v0001"
    name = "pairs/train-00000-of-00001.parquet"
    raw = (place / name).read_bytes()

    (place / name).write(raw[:200] + bytes([raw[200] ^ 1]) + raw[201:])
    (place / "extra.txt").write(b"x")
    (place / "README.md").unlink()

    problems = verify(store.resolve("demo"))
    assert f"{name}: its bytes are not those that were published" in problems
    assert "extra.txt: not in the manifest" in problems
    assert "README.md: missing" in problems
    (place / name).write(raw)
    (place / "extra.txt").unlink()
    (place / "README.md").write(b"# demo@v1\n")
    assert verify(store.resolve("demo")) == []
    assert verify(version) == []


@pytest.mark.parametrize(("text", "what"), [("[]", "damaged manifest"), ('{"format": 99}', "format 99, .*; upgrade")])
def test_a_damaged_or_newer_manifest_is_one_line(store: Store, text: str, what: str) -> None:
    publish(store)
    (root(store) / "demo/v0001/manifest.json").write(text.encode())

    with pytest.raises(StoreError, match=what) as caught:
        store.resolve("demo@v1")

    assert "\n" not in str(caught.value)


def test_an_error_while_documents_are_made_leaves_no_version(store: Store, tmp_path: Path) -> None:
    def broken(draft: Draft) -> dict[str, str]:
        raise RuntimeError(draft.name)

    with pytest.raises(RuntimeError, match="demo"):
        store.publish("demo", contents(), documents=broken)

    assert store.names() == []
    assert publish(store).number == 2
    assert not list(local_folder(store.root).glob(".publishing-*"))


def test_a_publisher_that_is_taken_for_dead_takes_another_number(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(turns, "BEAT_SECONDS", 60.0)
    overtaken: list[int] = []

    def slow(draft: Draft) -> dict[str, str]:
        if not overtaken:
            with ThreadPoolExecutor(1) as other:
                overtaken.append(other.submit(publish, store, 27).result().number)
        return documents(draft)

    version, _ = store.publish("demo", contents(24), documents=slow)

    assert (overtaken, version.number, version.manifest["parent"]) == ([2], 3, "demo@v2")
    assert (version.place / "README.md").read_text() == "# demo@v3\n"
    assert [verify(each) for each in store.versions()] == [[], []]
    _, left = store.prune("demo", keep=9, models=Path("models"), remove=True)
    assert {str(each).rpartition("/demo/")[2].partition("/")[0] for each in left} == {"v0001"}
    assert not [name for name, size in root(store).sizes().items() if name.startswith("demo/v0001/") and size]


def test_a_slow_publisher_that_lives_is_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(turns, "BEAT_SECONDS", 0.1)

    def slow(draft: Draft) -> dict[str, str]:
        time.sleep(2.5)
        return documents(draft)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store.publish, "demo", contents(24), documents=slow)
        time.sleep(0.5)
        second = pool.submit(publish, store, 27)

    made, _ = first.result()
    assert (made.number, second.result().number) == (1, 2)


def test_many_publishers_at_once(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda sets: store.publish("demo", contents(sets), documents=documents), [12, 15, 18] * 3))

    found = store.versions()
    assert sorted(version.number for version, is_new in made if is_new) == [version.number for version in found]
    assert [verify(version) for version in found] == [[]] * len(found)
    assert all(older.digest != newer.digest for older, newer in pairwise(found))
    assert [version.manifest["parent"] for version in found] == [None, *(older.reference for older in found[:-1])]


def test_many_tags_at_once_lose_no_move(store: Store) -> None:
    for sets in (24, 27):
        publish(store, sets)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda place: store.tag(f"demo@v{place % 2 + 1}", f"tag-{place % 3}"), range(9)))

    record = json.loads((root(store) / "demo/tags.json").read_text())
    last: dict[str, int] = {}
    for move in record["history"]:
        assert move["from"] == last.get(move["tag"])
        last[move["tag"]] = move["to"]
    assert last == record["tags"]
    assert len(record["tags"]) == 3


def test_one_of_many_creates_a_file(store: Store) -> None:
    place = root(store) / "x"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: place.create(f"{number}".encode()), range(24)))

    assert made.count(True) == 1
    assert place.read_text() == str(made.index(True))


@pytest.mark.slow
def test_a_file_whose_answer_was_lost_is_still_ones_own(s3: dict[str, str]) -> None:
    place = place_of(f"s3://{BUCKET}/{secrets.token_hex(4)}")
    assert isinstance(place, Remote)
    own, given_up = place / "own", place / "given-up"
    UNANSWERED.update(f"/{each.url.removeprefix('s3://')}" for each in (own, given_up))

    assert own.create(b"mine")
    assert not given_up.create(b"")

    assert not UNANSWERED
    assert not own.create(b"other")
    assert not given_up.create(b"late")
    assert (own.read_bytes(), given_up.read_bytes()) == (b"mine", b"")


_PUBLISH = """
import sys
from pairgen.store import Store
from tests.contents import contents
Store(sys.argv[1]).publish("demo", contents(24), documents=lambda draft: {"card.html": "x" * 100_000})
"""


@pytest.mark.slow
def test_a_publisher_that_was_killed_leaves_no_half_version(
    s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    store = Store(f"s3://{BUCKET}/killed")
    turn = root(store) / "demo/.turns/publish/0001"
    with subprocess.Popen([sys.executable, "-c", _PUBLISH, str(store.root)], cwd=ROOT) as process:
        while not turn.is_file():
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)

    there = store.versions()
    assert [verify(version) for version in there] == [[]] * len(there)
    assert publish(store, 27).number == 2


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("nonsense://x/y", r"^nonsense://x/y: unknown protocol; give a folder, s3://BUCKET/FOLDER or memory://NAME$"),
        ("s3://", r"^s3://: names no place; expected s3://BUCKET/FOLDER$"),
        ("memory://a/../b", r"expected an address without '\.', '\.\.'"),
    ],
)
def test_an_address_that_is_none(given: str, what: str) -> None:
    with pytest.raises(StoreError, match=what) as caught:
        Store(given)

    assert "\n" not in str(caught.value)


def test_a_file_address_is_a_folder(tmp_path: Path) -> None:
    version = publish(Store(f"file://{tmp_path}/store"))

    assert version.place == tmp_path / "store/demo/v0001"
    assert Store(tmp_path / "store").resolve("demo").digest == version.digest


def test_where_nothing_is_created_exclusively_nothing_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_EXCLUSIVE", ("s3",))

    with pytest.raises(StoreError, match=r"two publishers could overwrite each other on memory://"):
        publish(Store("memory://elsewhere"))


def test_a_file_where_the_store_should_be(store: Store) -> None:
    root(store).write(b"x")

    for ask in (Store.names, Store.versions, lambda store: store.resolve("demo")):
        with pytest.raises(StoreError, match="is a file, a store is a folder"):
            ask(store)


@pytest.mark.parametrize("name", ["../x", "x/y", "", ".turns"])
def test_no_name_leaves_the_store(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="no name of a data set"):
        publish(store, name=name)

    assert root(store).sizes() == {}


@pytest.mark.slow
def test_no_file_of_a_version_leaves_its_copy(s3: dict[str, str], tmp_path: Path) -> None:
    store = Store(f"s3://{BUCKET}/leaving")
    version = publish(store)
    import boto3

    client = boto3.client("s3", endpoint_url=s3["AWS_ENDPOINT_URL"])
    client.put_object(Bucket=BUCKET, Key="leaving/demo/v0001/../../../evil", Body=b"x")
    client.close()

    with pytest.raises(StoreError, match=r"holds '\.\./\.\./\.\./evil', which would leave the folder"):
        verify(version)


@pytest.mark.slow
def test_others_read_it_where_it_is(s3: dict[str, str], tmp_path: Path) -> None:
    version = publish(Store(f"s3://{BUCKET}/read"))
    train = contents().pairs.filter(pl.col("split") == "train").collect()["pair_id"].sort().to_list()
    files = f"{version.place}/pairs/train-*.parquet"
    options = {"aws_endpoint_url": s3["AWS_ENDPOINT_URL"], "aws_allow_http": "true"}

    loaded = datasets.load_dataset("parquet", data_files={"train": files}, cache_dir=str(tmp_path))

    assert sorted(loaded["train"]["pair_id"]) == train
    assert pl.read_parquet(files, storage_options=options)["pair_id"].sort().to_list() == train


@pytest.mark.slow
def test_a_bucket_that_is_not_there(s3: dict[str, str]) -> None:
    for ask in (Store.versions, publish):
        with pytest.raises(StoreError, match=r"^s3://absent/x\S*: there is no such bucket; make it, or choose another"):
            ask(Store("s3://absent/x"))


_ASK = """
import sys
from pairgen.errors import StoreError
from pairgen.store import Store
try:
    Store(sys.argv[1]).versions()
except StoreError as error:
    sys.exit(str(error))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "set them (for s3://"),
        (
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "cannot be reached (Could not connect to the endpoint URL",
        ),
    ],
)
def test_no_credentials_or_no_server_is_one_line(environment: dict[str, str], what: str, tmp_path: Path) -> None:
    kept = {name: setting for name, setting in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-c", _ASK, "s3://bucket/x"]
    given = {**kept, **environment, "HOME": str(tmp_path), "AWS_MAX_ATTEMPTS": "1"}

    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=given, check=False)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("s3://bucket/x: ")
    assert what in done.stderr


def test_what_is_remembered_of_a_remote_store_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, other = (local_folder(place_of(f"s3://bucket/{name}")) for name in ("a/b", "a-b"))

    assert one.parent == other.parent == tmp_path / "contrast-pairs" / "stores"
    assert one != other
    assert one.name.startswith("s3-bucket-a-b-")
    assert local_folder(tmp_path) == tmp_path
