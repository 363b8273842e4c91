"""Versions on the hub and back, over HTTP to a local stand-in for it: what stands there, and what is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pairgen.errors import StoreError
from pairgen.hub import pull, push
from pairgen.store import Draft, Store, Version, verify
from tests.contents import contents
from tests.hub_server import TOKEN, Hub, serve_hub

REPO = "people/demo"
ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub's own upload


def at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT does, which the library reads when it is imported."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with serve_hub() as served:
        at(served.address, monkeypatch)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        for setting in ("HF_TOKEN_PATH", "AGENT_HARNESSES_PATH"):
            monkeypatch.setattr(f"huggingface_hub.constants.{setting}", str(tmp_path / setting))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield served
        assert served.unknown == []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(tmp_path / "other")


def documents(draft: Draft) -> dict[str, str]:
    pairs = draft.contents.pairs.collect().height
    return {"README.md": f"# {draft.reference}\n", "stats.json": json.dumps({"pairs": pairs})}


def publish(store: Store, sets: int = 24, *, name: str = "demo") -> Version:
    return store.publish(name, contents(sets), documents=documents)[0]


def everything(version: Version) -> dict[str, bytes]:
    files = (path for path in version.path.rglob("*") if path.is_file())
    return {path.relative_to(version.path).as_posix(): path.read_bytes() for path in files}


def test_what_is_pushed_is_pulled_byte_for_byte(hub: Hub, store: Store, other: Store) -> None:
    first = publish(store, 24)

    assert push(first, REPO)

    there = {name: raw for name, raw in hub.files(REPO).items() if name != ".gitattributes"}
    assert there == everything(first)
    assert hub.repos[REPO]["tags"] == {"v1": hub.repos[REPO]["main"]}
    assert hub.repos[REPO]["private"]
    pulled, new = pull(REPO, other)
    assert (pulled.reference, pulled.digest, new) == (first.reference, first.digest, True)
    assert everything(pulled) == everything(first)
    assert verify(pulled) == []
    assert {path.stat().st_mode & 0o777 for path in pulled.path.rglob("*") if path.is_file()} == {0o444}
    assert sorted(path.name for path in (other.root / "demo").iterdir()) == [".numbers", "v0001"]
    assert publish(other, 30).number == 2


def test_a_second_push_and_a_second_pull_change_nothing(hub: Hub, store: Store, other: Store) -> None:
    version = publish(store)
    push(version, REPO)
    before = dict(hub.repos[REPO]["commits"])

    assert not push(version, REPO)

    assert hub.repos[REPO]["commits"] == before
    pull(REPO, other)
    again, new = pull(REPO, other)
    assert (again.reference, new) == ("demo@v1", False)
    assert pull(REPO, store)[1] is False
    assert [each.number for each in other.versions()] == [1]


def test_a_push_that_was_stopped_before_its_tag_is_finished_by_the_next(hub: Hub, store: Store) -> None:
    version = publish(store)
    push(version, REPO)
    commits = dict(hub.repos[REPO]["commits"])
    hub.repos[REPO]["tags"].clear()

    assert push(version, REPO)

    assert hub.repos[REPO]["tags"] == {"v1": hub.repos[REPO]["main"]}
    assert hub.repos[REPO]["commits"] == commits


def test_a_repository_has_a_tag_for_each_version_and_only_the_files_of_one(
    hub: Hub, store: Store, other: Store
) -> None:
    first = publish(store, 24)
    second, _ = store.publish("demo", contents(27), documents=lambda draft: {"other.md": draft.reference})
    push(first, REPO)
    push(second, REPO)

    assert sorted(hub.repos[REPO]["tags"]) == ["v1", "v2"]
    assert set(hub.files(REPO)) - {".gitattributes"} == set(everything(second))
    assert "README.md" not in hub.files(REPO)
    assert pull(f"{REPO}@v1", other)[0].digest == first.digest
    assert pull(f"{REPO}@v2", other)[0].digest == second.digest
    assert [verify(version) for version in other.versions()] == [[], []]


def test_an_older_version_does_not_take_the_place_of_a_newer_one(hub: Hub, store: Store) -> None:
    first, second = publish(store, 24), publish(store, 27)
    push(second, REPO)

    with pytest.raises(StoreError, match=r"^people/demo: holds demo@v2 \(digest \w+\), which is newer than v1; push"):
        push(first, REPO)

    assert hub.repos[REPO]["tags"] == {"v2": hub.repos[REPO]["main"]}


def test_a_number_that_was_given_is_not_given_to_what_is_pulled(hub: Hub, store: Store, other: Store) -> None:
    push(publish(store, 24), REPO)
    publish(other, 27)

    with pytest.raises(
        StoreError, match=r"^people/demo: is demo@v1, and \S+ has given that number or a later one; pull"
    ):
        pull(REPO, other)

    assert [(each.number, each.manifest["counts"]["sets"]) for each in other.versions()] == [(1, 27)]


def test_what_is_withdrawn_or_altered_is_not_pushed(hub: Hub, store: Store) -> None:
    altered, withdrawn = publish(store, 24), publish(store, 27)
    store.withdraw(withdrawn.reference, "wrong source")
    readme = altered.path / "README.md"
    readme.chmod(0o644)
    readme.write_text("other")

    with pytest.raises(StoreError, match=r"^demo@v2: was withdrawn on .*wrong source"):
        push(withdrawn, REPO)
    with pytest.raises(StoreError, match=r"^demo@v1: is not what was published \(README\.md: its bytes"):
        push(altered, REPO)

    assert hub.repos == {}


def test_what_was_withdrawn_here_is_not_pulled_again(hub: Hub, store: Store, other: Store) -> None:
    push(publish(store), REPO)
    pull(REPO, other)
    other.withdraw("demo@v1", "wrong source")

    with pytest.raises(StoreError, match=r"these are the pairs of demo@v1, which was withdrawn .*wrong source"):
        pull(REPO, other)


@pytest.mark.parametrize(
    ("name", "change", "what"),
    [
        ("README.md", lambda raw: raw + b"x", r"README\.md: its bytes are not those"),
        ("pairs/train-00000-of-00001.parquet", lambda raw: raw[:-9] + b"x" + raw[-8:], "train-00000-of-00001"),
        ("manifest.json", lambda raw: raw.replace(b'"sets": 24', b'"sets": 25'), r"manifest\.json: was edited"),
        ("manifest.json", lambda raw: raw.replace(b'"name": "demo"', b'"name": "../x"'), "no name of a data set"),
        ("manifest.json", lambda raw: b"{}", "holds no version"),
        ("manifest.json", lambda raw: b"[", "holds no version"),
    ],
)
def test_what_was_altered_on_the_hub_is_not_pulled(
    hub: Hub, store: Store, other: Store, name: str, change: Callable[[bytes], bytes], what: str
) -> None:
    push(publish(store), REPO)
    files = hub.files(REPO)
    hub.commit(REPO, {**files, name: change(files[name])})

    with pytest.raises(StoreError, match=what) as caught:
        pull(REPO, other)

    assert "\n" not in str(caught.value)
    assert other.versions() == []


def test_nothing_else_is_overwritten(hub: Hub, store: Store) -> None:
    hub.make("people/mine")
    hub.commit("people/mine", {**hub.files("people/mine"), "model.bin": b"x"})
    push(publish(store, name="other"), REPO)
    version = publish(store)

    with pytest.raises(StoreError, match=r"^people/mine: holds files that are no version, not demo; choose another"):
        push(version, "people/mine")
    with pytest.raises(StoreError, match=r"^people/demo: v1 is another version there, of other@v1 \(digest "):
        push(version, REPO)
    with pytest.raises(StoreError, match=r"^people/demo: holds other@v1 .*, not demo; choose another repository"):
        push(publish(store, 27), REPO)

    assert set(hub.files("people/mine")) == {".gitattributes", "model.bin"}


def test_no_token_no_repository_no_tag(hub: Hub, store: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    version = publish(store)
    push(version, REPO)

    for ask, what in (
        (lambda: pull("people/none", other), r"^people/none: no such data set repository at http://127"),
        (
            lambda: pull(f"{REPO}@v9", other),
            r"^people/demo: has no such tag; look at http://127\S+/datasets/people/demo$",
        ),
        (lambda: pull("demo", other), r"^'demo': no repository of the hub; expected ORG/NAME, or ORG/NAME@v3$"),
        (lambda: pull("../../x", other), r"no repository of the hub"),
        (lambda: push(version, f"{REPO}@v1"), r"expected ORG/NAME; the tag is that of the version, v1$"),
    ):
        with pytest.raises(StoreError, match=what) as caught:
            ask()
        assert "\n" not in str(caught.value)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(StoreError, match=r"^people/new: the hub refused \(401\)|no such data set repository") as caught:
        push(version, "people/new")
    assert "\n" not in str(caught.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(StoreError, match=r"^people/new: no token of the hub; run `hf auth login`, or set HF_TOKEN$"):
        push(version, "people/new")


@pytest.mark.parametrize("repo", ["org/my--data", "org/x.git", "org/a..b@v1", "org/x."])
def test_a_name_that_the_hub_does_not_take_is_one_line(other: Store, repo: str) -> None:
    with pytest.raises(
        StoreError, match=r"no repository of the hub \(Repo|no repository of the hub \(Cannot"
    ) as caught:
        pull(repo, other)

    assert str(caught.value).startswith(f"'{repo}': ")
    assert "\n" not in str(caught.value)


def test_no_network(store: Store, other: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    at("http://127.0.0.1:9", monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.AGENT_HARNESSES_PATH", str(store.root / "agents"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    version = publish(store)

    for ask in (lambda: push(version, REPO), lambda: pull(REPO, other)):
        with pytest.raises(StoreError, match=r"^people/demo: http://127\.0\.0\.1:9 cannot be reached \(.*\); is there"):
            ask()


def test_from_one_remote_store_into_another(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one, two = (Store(f"memory://{tmp_path.name}-{number}") for number in (1, 2))
    version = publish(one)
    push(version, REPO)

    pulled, new = pull(REPO, two)

    assert new
    assert everything(pulled) == everything(version)
    assert verify(two.resolve("demo")) == []
    assert pull(REPO, two)[1] is False
    assert publish(two, 27).number == 2
    push(publish(one, 30), REPO)
    with pytest.raises(StoreError, match=r"is demo@v2, and memory://\S+ has given that number or a later one"):
        pull(REPO, two)


@pytest.mark.slow
def test_the_command_line_does_it(hub: Hub, store: Store, tmp_path: Path) -> None:
    publish(store)
    environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "hf")}

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flows", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)

    pushed = run("push", "demo", REPO, "--store", store.root)
    pulled = run("pull", REPO, "--store", tmp_path / "other", "--json")
    absent = run("pull", "people/none", "--store", tmp_path / "other")

    assert (pushed.returncode, pushed.stdout) == (0, f"pushed demo@v1 as {REPO}@v1\n"), pushed.stderr
    said = json.loads(pulled.stdout)
    assert (said["reference"], said["pulled"], said["digest"]) == ("demo@v1", True, store.resolve("demo").digest)
    assert absent.returncode == 1
    assert absent.stderr.startswith("contrast-pairs: people/none: no such data set repository")
    assert absent.stderr.count("\n") == 1
