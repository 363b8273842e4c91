"""The training flow: from any published version to a model, compared with its base."""

import json
from pathlib import Path

from prefect import flow

from flows.progress import steps
from flows.recipe import recipe_of
from flows.stage import stage
from pairgen.errors import TrainingError
from pairgen.loading import load_causal_lm, load_models, load_parser
from pairgen.models import ModelSpecs
from pairgen.store import Version
from pairgen.verification import refuse_altered
from pairgen.withdrawn import refuse_withdrawn
from training.evaluate import Report, evaluate
from training.evaluation_data import load_clean_text, load_faithfulness, load_prompts
from training.settings import TrainSettings
from training.trainer import train


@flow(name="train", validate_parameters=False)
def train_version(version: Version, settings: TrainSettings, out: Path) -> Path:
    """A model trained from `version`, in the folder `out`, with its lineage; an altered or withdrawn one is refused."""
    refuse_unfit(version)
    return fit(version, settings, out)


@stage("verify")
def refuse_unfit(version: Version) -> None:
    refuse_withdrawn(version)
    refuse_altered(version)


@stage("train")
def fit(version: Version, settings: TrainSettings, out: Path) -> Path:
    lineage = {
        "version": version.reference,
        "digest": version.digest,
        "manifest_digest": version.manifest["manifest_digest"],
        "path": str(version.place.resolve()),
        "fingerprints": version.manifest["fingerprints"],
    }
    parser = load_parser(recipe_of(version).models.parser) if settings.pooling == "entities" else None
    with steps("train") as advance:
        return train(version.pairs(), settings=settings, out=out, lineage=lineage, parser=parser, progress=advance)


def compare(models: dict[str, str], *, specs: ModelSpecs, memory: Path, k: int = 4, seed: int = 0) -> Report:
    """The first of `models` (a name: its spec) and the others on the packaged prompts, texts and judges of `specs`."""
    for spec in models.values():
        load_causal_lm(spec)  # a wrong one is told now, not after minutes of measuring the others
    with steps("evaluate") as advance:
        return evaluate(
            models,
            judges=load_models(specs, memory),
            prompts=load_prompts(),
            clean_text=load_clean_text(),
            faithfulness=load_faithfulness(),
            k=k,
            seed=seed,
            progress=advance,
        )


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
    number, folder = 1, wanted
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder
