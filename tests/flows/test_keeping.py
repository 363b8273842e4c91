"""The commands that keep a store: what people and machines are told, and one line for each mistake."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from data_cards.stats import count
from flows import printing, store_printing
from flows.train import refuse_unfit
from pairgen.draft import Draft
from pairgen.errors import StoreError
from pairgen.store import Store
from tests.contents import contents
from tests.flows.conftest import Said
from tests.flows.test_cli import refused

Cli = Callable[..., Said]


def documents(draft: Draft) -> dict[str, str]:
    return {"stats.json": json.dumps(count(draft.contents))}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """demo@v1 and demo@v2: the second lost pairs to a higher threshold and has a recipe that is not escaped."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(printing.console, "width", 160)
    made = Store(tmp_path / "store")
    recipe = '[[filters]]\nkind = "similarity"\nmin_score = {}\n'
    first = replace(contents(27), recipe=recipe.format(0.6))
    made.publish("demo", first, documents=documents)
    made.publish("demo", replace(contents(24), recipe=recipe.format("[0.7]")), documents=documents)
    return tmp_path / "store"


def test_tags_stand_in_versions_and_show(cli: Cli, store: Path) -> None:
    assert cli("tag", "demo@v1", "production", "--store", store).out == "demo@production is demo@v1\n"
    moved = cli("tag", "demo", "production", "--store", store).out
    again = json.loads(cli("tag", "demo", "production", "--store", store, "--json").out)

    assert moved == "demo@production is demo@v2, before: demo@v1\n"
    assert (again["name"], again["tag"], again["from"], again["to"]) == ("demo", "production", 2, 2)
    listed = json.loads(cli("versions", "--store", store, "--json").out)["versions"]
    assert [version["tags"] for version in listed] == [[], ["production"]]
    assert "production" in cli("versions", "--store", store).out
    shown = json.loads(cli("show", "demo@production", "--store", store, "--json").out)
    assert (shown["reference"], shown["tags"]) == ("demo@v2", ["production"])
    assert [(move["from"], move["to"]) for move in shown["tag_history"]] == [(1, 2)]
    assert "tags   production (since 20" in cli("show", "demo", "--store", store).out
    assert "tags   none" in cli("show", "demo@v1", "--store", store).out
    assert refused(cli("tag", "demo@v1", "latest", "--store", store)).startswith("'latest': no tag; it reads as")


def test_show_says_what_form_tells(cli: Cli, store: Path) -> None:
    Store(store).publish("wide", contents(156), documents=documents)

    few, many = (cli("show", name, "--store", store).out.split("shortcut cues")[1] for name in ("demo", "wide"))

    assert few.splitlines()[2].split() == ["negation", "8", "too", "few"]
    kinds = {line.split()[0]: line.split()[1:] for line in many.splitlines()[1:5]}
    assert kinds["negation"][:2] == ["52", "1.000"]
    assert [kind for kind, cells in kinds.items() if cells[-1] == "look"] == ["negation"]


def test_a_withdrawn_version_is_marked_and_refused(cli: Cli, store: Path) -> None:
    reason = "a person asked [bold]us[/bold]"

    told = cli("withdraw", "demo", "--reason", reason, "--store", store)

    assert told.out == (f"withdrew demo@v2: {reason}; it stays on disk, nothing is trained or exported from it\n")
    listed = json.loads(cli("versions", "--store", store, "--json").out)["versions"]
    assert [version["withdrawn"] and version["withdrawn"]["reason"] for version in listed] == [None, reason]
    assert f"withdrawn: {reason}" in cli("versions", "--store", store).out
    shown = cli("show", "demo@v2", "--store", store).out
    assert f": {reason}\n" in shown
    assert "withdrawn on 20" in shown
    assert cli("verify", "demo@v2", "--store", store).code == 0
    assert "demo@v1" in cli("show", "demo", "--store", store).out
    for command in (["train", "demo@v2"], ["export", "demo@v2", "out", "--format", "trl"]):
        line = refused(cli(*command, "--store", store))
        assert line.startswith("demo@v2: was withdrawn on ")
        assert line.endswith(f"({reason}); use another: contrast-pairs versions demo")
    with pytest.raises(StoreError, match="was withdrawn"):
        refuse_unfit.fn(Store(store).resolve("demo@v2"))
    assert not Path("out").exists()
    assert not Path("models").exists()
    assert cli("withdraw", "demo@v1", "--store", store).code == 2  # a reason is asked for


def test_prune_says_what_would_go_and_removes_it_when_told(cli: Cli, store: Path) -> None:
    for sets in (21, 18):
        Store(store).publish("demo", contents(sets), documents=documents)

    dry = cli("prune", "demo", "--keep", 1, "--store", store)
    said = json.loads(cli("prune", "demo", "--keep", 1, "--store", store, "--json").out)

    assert (said["versions"], said["removed"]) == (["demo@v1", "demo@v2"], False)
    assert said["kept"] == {"demo@v3": ["parent of demo@v4"], "demo@v4": ["newest"]}
    assert dry.out.count("would go") == 2
    assert "would remove 2 versions and 0 leftovers" in dry.out
    assert "nothing was removed yet: give --yes" in dry.out
    assert len(Store(store).versions()) == 4
    done = cli("prune", "demo", "--keep", 1, "--yes", "--store", store)
    assert "removed 2 versions" in done.out
    assert "--yes" not in done.out
    assert [version.number for version in Store(store).versions()] == [3, 4]
    assert refused(cli("prune", "other", "--store", store)).endswith("there are: demo")
    assert cli("prune", "demo", "--keep", 0, "--store", store).code == 2


def test_a_model_under_models_keeps_its_version(cli: Cli, store: Path) -> None:
    for sets in (21, 18):
        Store(store).publish("demo", contents(sets), documents=documents)
    model = Path("models/demo-v2")
    model.mkdir(parents=True)
    digest = Store(store).resolve("demo@v2").digest
    (model / "lineage.json").write_text(json.dumps({"version": "demo@v2", "digest": digest}))

    said = json.loads(cli("prune", "demo", "--keep", 1, "--store", store, "--json").out)

    assert said["kept"]["demo@v2"] == ["model models/demo-v2"]
    assert said["versions"] == []


def test_diff_tells_people_what_changed_and_covers_words(cli: Cli, store: Path) -> None:
    said = cli("diff", "demo@v1", "demo@v2", "--store", store)
    bare = cli("diff", "demo@v1", "demo@v2", "--reveal", "--store", store)

    assert said.code == 0
    for word in ("demo@v1 -> demo@v2: other pairs or members", "filters.similarity.min_score", "0.6", "[0.7]"):
        assert word in said.out
    assert "removed" in said.out
    assert "i●●●t" in said.out
    assert "idiot" not in said.out
    assert "idiot" in bare.out
    found = json.loads(cli("diff", "demo@v1", "demo@v2", "--store", store, "--json").out)
    assert (found["from"]["reference"], found["to"]["reference"], found["same"]) == ("demo@v1", "demo@v2", False)
    assert found["pairs"]["removed"] == len(found["rows"]["removed"]) > 0
    same = cli("diff", "demo@v1", "demo@v1", "--store", store).out
    assert "the same pairs and members" in same
    assert "corpus, recipe, models and code are the same" in same
    assert refused(cli("diff", "demo@v1", "demo@v9", "--store", store)).startswith("demo@v9: no such version in ")


def test_nothing_in_a_text_acts_on_the_terminal(cli: Cli, store: Path) -> None:
    built = contents(30)
    bad = "\x1b[31m[red]\u202e\r\n{}"
    Store(store).publish(
        "demo",
        replace(
            built,
            pairs=built.pairs.with_columns(
                **{name: pl.format(bad, name) for name in ("positive", "negative", "parent")}
            ),
            members=built.members.with_columns(text=pl.format(bad, "text")),
            recipe='[x]\ny = "\\u001b[31m"\n',
        ),
        documents=documents,
    )

    for options in ([], ["--reveal"]):
        said = cli("diff", "demo@v1", "demo@v3", *options, "--store", store)
        assert (said.code, "[red]" in said.out) == (0, True)
        assert not {"\x1b", "\u202e", "\r"} & set(said.out)


def test_export_verifies_first(cli: Cli, store: Path) -> None:
    said = json.loads(cli("export", "demo@v1", "out", "--format", "trl", "--store", store, "--json").out)

    assert (said["reference"], said["format"], said["path"]) == ("demo@v1", "trl", "out")
    assert said["rows"]["train"] == len(Path("out/train.jsonl").read_text().splitlines())
    assert refused(cli("export", "demo", "out", "--format", "sets", "--store", store)).startswith("out: exists and is")
    assert refused(cli("export", "demo", "new", "--format", "csv", "--store", store)) == (
        "'csv': no format; there are: trl, sets"
    )
    assert "exported demo@v2: train " in cli("export", "demo", "sets", "--format", "sets", "--store", store).out
    file = store / "demo" / "v0001" / "pairs" / "train-00000-of-00001.parquet"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes() + b"x")
    line = refused(cli("export", "demo@v1", "more", "--format", "trl", "--store", store))
    assert line.startswith("demo@v1: is not what was published (pairs/train-00000-of-00001.parquet: its bytes")
    assert not Path("more").exists()


def test_every_command_takes_a_url(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    url = f"memory://{tmp_path.name}"
    assert cli("versions", "--store", url).out.startswith(f"no versions in {url}; ")
    made = Store(url)
    for sets in (21, 24, 27):
        made.publish("demo", replace(contents(sets), recipe="[x]\ny = 1\n"), documents=documents)

    listed = json.loads(cli("versions", "--store", url, "--json").out)["versions"]
    assert [version["path"] for version in listed] == [f"{url}/demo/v000{number}" for number in (1, 2, 3)]
    assert cli("tag", "demo@v1", "production", "--store", url).out == "demo@production is demo@v1\n"
    assert json.loads(cli("verify", "demo@production", "--store", url, "--json").out)["problems"] == []
    assert json.loads(cli("diff", "demo@v1", "demo@v2", "--store", url, "--json").out)["pairs"]["added"] > 0
    assert cli("show", "demo", "--store", url).code == 0
    assert json.loads(cli("export", "demo", "out", "--format", "trl", "--store", url, "--json").out)["rows"]["train"]
    assert cli("withdraw", "demo@v3", "--reason", "wrong source", "--store", url).code == 0
    assert refused(cli("train", "demo@v3", "--store", url)).startswith("demo@v3: was withdrawn on ")
    assert json.loads(cli("prune", "demo", "--keep", 1, "--store", url, "--json").out)["versions"] == ["demo@v3"]
    assert cli("prune", "demo", "--keep", 1, "--yes", "--store", url).code == 0
    assert [version.number for version in made.versions()] == [1, 2]
    assert refused(cli("versions", "--store", "nonsense://x")).startswith("nonsense://x: unknown protocol; give a ")


def test_the_card_on_the_terminal_masks_until_asked(cli: Cli, store: Path) -> None:
    said, shown = cli("card", "demo", "--store", store).out, cli("card", "demo", "--reveal", "--store", store).out

    assert "demo@v2: 40 pairs in 24 sets" in said
    assert ("i●●●t" in said, "idiot" in said) == (True, False)
    assert "idiot" in shown
    assert "dropped  filter: similarity" in said
    assert str(store / "demo" / "v0002" / "card.html") in said
    told = json.loads(cli("card", "demo@v1", "--store", store, "--json").out)
    assert (told["reference"], told["stats"]["pairs"]["total"]) == ("demo@v1", 45)


def test_a_dropped_text_is_covered_whole_until_asked() -> None:
    example = {
        "stage": "read",
        "drop_reason": "other_language",
        "text": "Eres un tonto",
        "positive": None,
        "negative": None,
    }
    with printing.console.capture() as said:
        store_printing._example(example, "dropped", reveal=False)
        store_printing._example(example, "dropped", reveal=True)

    covered, shown = [line for line in said.get().splitlines() if line.startswith("  text")]
    assert covered.split() == ["text", "E●●●", "●●", "●●●●o"]
    assert shown.split() == ["text", "Eres", "un", "tonto"]


def test_a_gallery_and_a_page_are_written_where_they_were_asked_for(cli: Cli, store: Path) -> None:
    for version in Store(store).versions():
        (version.path / "card.html").write_text("a card")

    assert "wrote 5 pages over 2 versions" in cli("gallery", "site", "--store", store).out
    assert json.loads(cli("gallery", "site", "--store", store, "--json").out)["pages"] == 5
    assert Path("site/demo/v1-v2.html").is_file()
    assert cli("diff", "demo@v1", "demo@v2", "--page", "change.html", "--store", store).code == 0
    assert "demo@v1" in Path("change.html").read_text()
    assert refused(cli("diff", "demo@v1", "demo@v2", "--page", "change.txt", "--store", store)) == (
        "change.txt: .txt is no page; name a .html file instead"
    )
    assert refused(cli("gallery", store, "--store", store)).endswith("name another one")
