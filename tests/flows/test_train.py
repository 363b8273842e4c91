"""Training as the last stage of a build: once for each version and settings, and a failed one costs no version."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from flows.recipe import TrainSection, read_recipe
from flows.train import model_of, train_built
from pairgen.candidates import Limits, beyond
from pairgen.store import Store, verify
from tests.contents import contents
from tests.flows.conftest import COMMENTS, Published, Said
from training.settings import TrainSettings

EMBEDDED = Path(__file__).parents[2] / "flows" / "recipes" / "embedded.toml"
UNTRAINED = EMBEDDED.read_text().partition("[train]")[0]
QUICK = "[evaluate]\nk = 1\nprecision = false\n"


@pytest.mark.slow
def test_a_build_ends_with_a_model_where_its_recipe_asks_for_one(
    cli: Callable[..., Said], published: Published, tmp_path: Path, tiny_model: Path
) -> None:
    store, models = tmp_path / "store", tmp_path / "models"
    shutil.copytree(published.store / ".cache", store / ".cache")

    def build(*arguments: str, **train: object) -> Said:
        given = {"into": str(models), "model": str(tiny_model), "steps": 2} | train
        lines = "\n".join(f"{key} = {json.dumps(found)}" for key, found in given.items())
        (tmp_path / "mine.toml").write_text(f"{UNTRAINED}\n[train]\n{lines}\n{QUICK}")
        return cli(
            "build", tmp_path / "mine.toml", "--source", COMMENTS, "--name", "small", "--store", store, *arguments
        )

    no_model = build(model=str(tmp_path / "no"))
    assert (no_model.code, Store(store).versions("small")) == (1, [])

    failed = build(max_tokens=100_000)

    assert (failed.code, failed.out, failed.err.count("\n")) == (1, "", 1)
    assert failed.err.startswith(
        "contrast-pairs: small@v1 is published, but no model of it was trained: max_tokens is 100000, but "
    )
    [version] = Store(store).versions("small")
    assert verify(version) == []
    assert not models.exists()

    trained = json.loads(build("--json").out)
    again = build()

    assert (trained["published"], trained["digest"]) == (False, version.digest)
    assert trained["model"] == str(models / "small-v1")
    lineage = json.loads((models / "small-v1" / "lineage.json").read_text())
    assert (lineage["digest"], lineage["settings"]["steps"]) == (version.digest, 2)
    assert lineage["settings"].keys() == TrainSettings.model_fields.keys()
    evaluation = json.loads((models / "small-v1" / "evaluation.json").read_text())
    assert (evaluation["settings"]["k"], list(evaluation["models"])) == (1, ["base", "tuned"])
    assert f"model:     {models / 'small-v1'}\n" in again.out
    assert [path.name for path in models.iterdir()] == ["small-v1"]

    (models / "small-v1" / "evaluation.json").unlink()  # as if the build had been killed in the evaluation
    assert build().code == 0
    assert json.loads((models / "small-v1" / "evaluation.json").read_text()) == evaluation
    assert [path.name for path in models.iterdir()] == ["small-v1"]


def test_what_cannot_be_evaluated_is_told_before_the_build(
    cli: Callable[..., Said], tmp_path: Path, tiny_model: Path
) -> None:
    train = f'[train]\ninto = "{tmp_path}/models"\nmodel = "{tiny_model}"\n[evaluate]\nprompts = ["nosuch.jsonl"]\n'
    (tmp_path / "mine.toml").write_text(f"{UNTRAINED}\n{train}")

    said = cli("build", tmp_path / "mine.toml", "--source", COMMENTS, "--store", tmp_path / "store")

    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert "nosuch.jsonl" in said.err
    assert Store(tmp_path / "store").versions() == []


def test_no_model_is_made_of_a_candidate(tmp_path: Path) -> None:
    store = Store(tmp_path)
    limited = partial(beyond, limits=Limits(max_pairs_change=0.3))
    for sets in (24, 12):
        store.publish("demo", contents(sets), documents=lambda _: {}, review=limited)
    train = TrainSection(into=tmp_path / "models", model="nosuch")
    recipe = read_recipe("demo").model_copy(update={"train": train})

    train_built(store.versions("demo")[-1], recipe, tmp_path / "scores.sqlite")

    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("changed", "found"),
    [({}, True), ({"digest": "0"}, False), ({"settings": {}}, False), ({"baseline": "dpo"}, False)],
)
def test_a_model_is_of_a_version_by_its_pairs_and_settings(
    tmp_path: Path, changed: dict[str, object], found: bool
) -> None:
    version, _ = Store(tmp_path / "store").publish("demo", contents(), documents=lambda _: {})
    settings = TrainSettings(kind_weights={"toxic": 2})
    lineage = {"digest": version.digest, "settings": settings.model_dump()} | changed
    (tmp_path / "demo-v1").mkdir()  # holds no model: it is passed over
    (tmp_path / "demo-v1-2").mkdir()
    (tmp_path / "demo-v1-2" / "lineage.json").write_text(json.dumps(lineage))

    assert model_of(version, settings, tmp_path) == (tmp_path / "demo-v1-2" if found else None)
