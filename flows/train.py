"""The training flow: from any published version to a model, compared with its base."""

import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from prefect import flow

from flows.progress import steps
from flows.recipe import Recipe, recipe_of
from flows.stage import stage
from pairgen.candidates import is_candidate
from pairgen.draft import code_version
from pairgen.errors import ContrastPairsError, TrainingError
from pairgen.loading import load_causal_lm, load_models, load_parser, model_fingerprint
from pairgen.places import Place
from pairgen.store import Store, Version
from pairgen.verification import refuse_altered
from pairgen.withdrawn import refuse_withdrawn
from training.baselines import BASELINES, train_baseline
from training.evaluate import evaluate
from training.evaluation_data import load_benchmarks
from training.model_card import model_card
from training.pictures import draw_benchmarks, draw_plane
from training.report import Report
from training.settings import TrainSettings
from training.trainer import train

_EVALUATION = "evaluation.json"


class Judged(NamedTuple):
    """By the models and `[evaluate]` of which recipe; their scores are remembered in the file `memory`."""

    recipe: Recipe
    memory: Path


@flow(name="train", validate_parameters=False)
def train_version(
    version: Version, settings: TrainSettings, out: Path, baseline: str | None = None, judged: Judged | None = None
) -> Path:
    """A model trained from `version`, in the folder `out`, with its lineage; an altered or withdrawn one is refused.

    With a `baseline`, by that one of `training.baselines` instead of ours. Where it is to be `judged`, `out` has what
    it does beside its base: evaluation.json, pictures, and a table in its card. `TrainingError` where that fails: the
    model stays.
    """
    refuse_unfit(version)
    if judged is not None:
        refuse_unmeasurable(version, judged)
    model = fit(version, settings, out, baseline)
    if judged is not None:
        try:
            hold_against_base(version, settings, model, judged)
        except ContrastPairsError as error:
            raise TrainingError(
                f"{model}: holds the trained model, but not its evaluation (contrast-pairs evaluate {model}): {error}"
            ) from error
    return model


@flow(name="train all", validate_parameters=False)
def train_all(version: Version, settings: TrainSettings, out: Path, seeds: int) -> dict[str, list[str]]:
    """Ours and every baseline from `version`, `seeds` models of each in the folder `out`; those that are there stay.

    `TrainingError` where one that is there comes from another version, base, code or settings.
    """
    refuse_unfit(version)
    refuse_unwritable(out)
    base = model_fingerprint(settings.model, dtype="float32")
    wanted = {"digest": version.digest, "base_model": base, "code": code_version()}
    runs = [
        (name, settings.model_copy(update={"seed": seed}), out / f"{name}-{seed}")
        for name in ("ours", *BASELINES)
        for seed in range(settings.seed, settings.seed + seeds)
    ]
    there = {folder for _, own, folder in runs if is_there(folder, wanted | {"settings": own.model_dump(mode="json")})}
    models: dict[str, list[str]] = {}
    for name, own, folder in runs:
        if folder not in there:
            fit(version, own, folder, None if name == "ours" else name)
        models.setdefault(name, []).append(str(folder))
    return models


def is_there(folder: Path, wanted: dict[str, Any]) -> bool:
    """Whether `folder` holds a model; `TrainingError` where its lineage is not what is `wanted`."""
    lineage = folder / "lineage.json"
    if not lineage.is_file():
        return False
    found = json.loads(lineage.read_text(encoding="utf-8"))
    for key, value in wanted.items():
        if found.get(key) != value:
            raise TrainingError(
                f"{folder}: holds a model of {found.get('version')} whose {key} is not that of this run; "
                "name another --out"
            )
    return True


def train_built(version: Version, recipe: Recipe, memory: Path) -> None:
    """What a build ends with where `[train]` has a folder in `into`: a model of what it made, if none is there.

    Of a candidate there is none before someone gave it a tag. `TrainingError` where it fails: the version stays, and
    so does a model that was trained and could not be evaluated; the next build does that. `memory` is the file of
    scores.
    """
    settings, into = recipe.trained_with(), recipe.train.into
    if into is None or is_candidate(version):
        return
    judged, model = Judged(recipe, memory), model_of(version, settings, into)
    folder = model or free_folder(folder_of(version, into))
    try:
        if model is None:
            train_version(version, settings, folder, judged=judged)
        elif not (model / _EVALUATION).exists():
            hold_against_base(version, settings, model, judged)
    except ContrastPairsError as error:
        lacks = "" if folder.exists() else "no model of it was trained: "
        raise TrainingError(f"{version.reference} is published, but {lacks}{error}") from error


def model_of(version: Version, settings: TrainSettings, into: Path) -> Path | None:
    """The folder in `into` that holds a model of the pairs of `version`, trained by `settings`, if there is one."""
    wanted = {"digest": version.digest, "settings": settings.model_dump(mode="json")}
    for folder in itertools.takewhile(Path.exists, _numbered(folder_of(version, into))):
        try:
            found = json.loads((folder / "lineage.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if {key: found.get(key) for key in wanted} == wanted and "baseline" not in found:
            return folder
    return None


@stage("verify")
def refuse_unfit(version: Version) -> None:
    refuse_withdrawn(version)
    refuse_altered(version)


@stage("benchmarks")
def refuse_unmeasurable(version: Version, judged: Judged) -> None:
    """What is asked and who judges are there: told before a training, not after."""
    try:
        load_benchmarks(judged.recipe.evaluate, version.pairs())
        load_models(judged.recipe.models, judged.memory)
    except ContrastPairsError as error:
        raise TrainingError(f"the model could not be evaluated: {error}; or train with --skip-evaluation") from error


@stage("train")
def fit(version: Version, settings: TrainSettings, out: Path, baseline: str | None) -> Path:
    lineage = {
        "version": version.reference,
        "digest": version.digest,
        "manifest_digest": version.manifest["manifest_digest"],
        "path": str(version.place.resolve()),
        "fingerprints": version.manifest["fingerprints"],
    }
    parser = load_parser(recipe_of(version).models.parser) if settings.pooling == "entities" else None
    with steps(baseline or "train") as advance:
        if baseline:
            return train_baseline(
                baseline, version.pairs(), settings=settings, out=out, lineage=lineage, progress=advance
            )
        return train(version.pairs(), settings=settings, out=out, lineage=lineage, parser=parser, progress=advance)


@stage("evaluate")
def hold_against_base(version: Version, settings: TrainSettings, model: Path, judged: Judged) -> None:
    """What `model` does beside its base, in its folder; evaluation.json comes last and says that all is there."""
    specs = {"base": settings.model, "tuned": str(model)}
    report = compare(specs, judged.recipe, memory=judged.memory, held_out=version.pairs())
    about = json.loads((model / "lineage.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(dir=model.parent, prefix=f".{model.name}-evaluation-") as made:
        draw_plane(report, Path(made))
        draw_benchmarks(report, Path(made))
        if "baseline" not in about:  # those have no card
            (Path(made) / "README.md").write_text(model_card(about, report), encoding="utf-8")
        (Path(made) / _EVALUATION).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        for path in sorted(Path(made).iterdir(), key=lambda path: path.name == _EVALUATION):
            path.replace(model / path.name)


def evaluation_of(model: Path) -> Report:
    """What `hold_against_base` left in the folder `model`."""
    report: Report = json.loads((model / _EVALUATION).read_text(encoding="utf-8"))
    return report


def compare(
    models: Mapping[str, str | Sequence[str]],
    recipe: Recipe,
    *,
    memory: Path,
    held_out: pl.DataFrame | None = None,
    prefixes: Mapping[str, str] | None = None,
    out: Path | None = None,
) -> Report:
    """The first of `models` (a name: its specs) and the others, on what `recipe` names, by its judges.

    `held_out` is the `pairs` table whose test split they have not seen. `out` gets report.json and the pictures.
    """
    if out is not None:
        refuse_unwritable(out)
    for spec in (each for specs in models.values() for each in ([specs] if isinstance(specs, str) else specs)):
        load_causal_lm(spec)  # a wrong one is told now, not after minutes of measuring the others
    benchmarks = load_benchmarks(recipe.evaluate, held_out)
    judges = load_models(recipe.models, memory)
    with steps("evaluate") as advance:
        report = evaluate(
            models,
            judges=judges,
            benchmarks=benchmarks,
            parser=judges.parser if recipe.evaluate.precision else None,
            nli=judges.nli if recipe.evaluate.precision and recipe.models.nli else None,
            prefixes=prefixes,
            k=recipe.evaluate.k,
            seeds=recipe.evaluate.seeds,
            progress=advance,
        )
    if out is not None:
        with _writing(out):
            (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            draw_plane(report, out)
            draw_benchmarks(report, out)
    return report


def refuse_unwritable(out: Path) -> None:
    """Make the folder `out`; `TrainingError` where it cannot be made or written, before minutes of work."""
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TrainingError(
            f"{out}: cannot be written ({error.strerror or error}); name another folder with --out"
        ) from error


def held_out_of(model: str, store: Place) -> pl.DataFrame | None:
    """The pairs of the version that the folder `model` was trained from, if it is in `store`, else None."""
    try:
        lineage = json.loads((Path(model) / "lineage.json").read_text(encoding="utf-8"))
        version = Store(store).resolve(lineage["version"])
    except (OSError, ValueError, KeyError, TypeError, ContrastPairsError):
        return None
    return version.pairs() if version.digest == lineage["digest"] else None


def base_of(model: str) -> str:
    """The base that the folder `model` was trained from, by its lineage; `TrainingError` where it has none."""
    lineage = Path(model) / "lineage.json"
    try:
        base: str = json.loads(lineage.read_text(encoding="utf-8"))["settings"]["model"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{model}: no lineage.json there says what it was trained from; name it with --base"
        ) from error
    return base


def free_folder(wanted: Path) -> Path:
    """`wanted`, or the first of `wanted`-2, `wanted`-3, ... that does not exist."""
    return next(folder for folder in _numbered(wanted) if not folder.exists())


def folder_of(version: Version, models: Path) -> Path:
    """Where among `models` those of `version` stand."""
    return models / f"{version.name}-v{version.number}"


def _numbered(first: Path) -> Iterator[Path]:
    yield first
    for number in itertools.count(2):
        yield first.with_name(f"{first.name}-{number}")
