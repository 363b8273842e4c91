"""The figures of training, each a command; a version of real comments is built from ../shared/data when none is named.

    python tests/benchmarks/training.py one      [--set KEY=VALUE ...]     one training, before and after
    python tests/benchmarks/training.py headline [--seeds 3]               ours, sft, dpo, orpo, a debiasing prompt
    python tests/benchmarks/training.py ablation [--only NAME ...]         objectives, scaling modes, kinds left out

    --ref NAME@VERSION --store DIR   the version; else `real`, built once (a quarter of an hour) of 1,500 news comments
                                     and 2,500 sentences that people rewrote (civil_comments, paradetox)
    --out DIR                        models, report.json and pictures (build/training); models that are there stay
    --prompts N                      of each kind and set (all); --k K (4); --steps N
    --set KEY=VALUE ...              other settings than those of the embedded recipe

Prompts, pairs of summaries and questions come in halves by the digest of their ids. Settings are chosen on the even
half (`--half even`); what is reported is the odd one, the default. Sets that are absent are named and skipped.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])  # this file's own folder, in which it is named like a package

import polars as pl  # noqa: E402

from flows.recipe import read_recipe  # noqa: E402
from pairgen.digests import digest  # noqa: E402
from pairgen.loading import load_models, load_parser  # noqa: E402
from pairgen.schema import NEGATIVE_KINDS  # noqa: E402
from pairgen.store import Store, Version  # noqa: E402
from training.baselines import BASELINES, DEBIASING_PROMPT, train_baseline  # noqa: E402
from training.evaluate import evaluate  # noqa: E402
from training.evaluation_data import Benchmarks, load_benchmarks  # noqa: E402
from training.pictures import draw_benchmarks, draw_plane  # noqa: E402
from training.report import Report, table  # noqa: E402
from training.settings import EvaluateSettings, TrainSettings  # noqa: E402
from training.trainer import train  # noqa: E402

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
RECIPE = read_recipe("embedded", sources=[str(DATA)], name="real")
COMMENTS, REWRITTEN = 1_500, 2_500
FIGURES = (
    "toxicity.challenging.scorer.expected_max",
    "toxicity.challenging.judge.expected_max",
    "toxicity.harmless.scorer.expected_max",
    "tax.perplexity",
    "tax.distinct_2",
    "outputs.empty_ratio",
    "outputs.repetitive_ratio",
)


def version_of(given: argparse.Namespace) -> Version:
    """The version that is named, or `real`, built once."""
    store = Store(given.store)
    if given.ref:
        return store.resolve(given.ref)
    if not store.versions("real"):
        from flows.build import build

        with tempfile.TemporaryDirectory() as work:
            source = Path(work) / "real.parquet"
            corpus().write_parquet(source)
            given.store.mkdir(parents=True, exist_ok=True)
            recipe = read_recipe("embedded", sources=[str(source)], name="real")
            settings = recipe.source.model_copy(update={"references": "references"})
            build(recipe.model_copy(update={"source": settings}), given.store)
    return store.resolve("real")


def corpus() -> pl.DataFrame:
    """`text` and what people made of it, `references`: of each file those whose text has the smallest digest."""
    rewritten = pl.read_parquet(DATA / "paradetox.parquet").select(text="toxic", references="neutral")
    comments = pl.read_parquet(DATA / "civil_comments.parquet").select("text")
    some = ((rewritten, REWRITTEN), (comments, COMMENTS))
    keys = [table["text"].map_elements(digest, return_dtype=pl.String).alias("key") for table, _ in some]
    drawn = [table.with_columns(key).sort("key").head(rows) for (table, rows), key in zip(some, keys, strict=True)]
    return pl.concat(drawn, how="diagonal").drop("key")


def half(rows: pl.DataFrame, which: str) -> pl.DataFrame:
    """The rows whose id has an even or odd digest."""
    parity = [int(hashlib.blake2b(each.encode()).hexdigest(), 16) % 2 for each in rows["id"]]
    return rows.filter(pl.Series(parity) == (which == "odd"))


def benchmarks_of(given: argparse.Namespace, version: Version) -> Benchmarks:
    """Ours and the public ones, the half that is asked for; the held-out pairs are whole."""

    def there(name: str) -> list[str]:
        if (DATA / name).is_file():
            return [str(DATA / name)]
        print(f"skipped {name}: absent from {DATA}")
        return []

    settings = EvaluateSettings(
        prompts=("package", *there("rtp_prompts.parquet")),
        faithfulness=("package", *there("factual_summary_pairs.parquet")),
        choices=("package", *there("truthfulqa_mc1.parquet")) if given.command != "ablation" else (),
    )
    found = load_benchmarks(settings, version.pairs())
    prompts = half(found.prompts, given.half).group_by("kind", maintain_order=True).head(given.prompts)
    faithfulness = {
        name: rows if name == "held_out" else half(rows, given.half) for name, rows in found.faithfulness.items()
    }
    choices = {name: half(rows, given.half) for name, rows in found.choices.items()}
    return found._replace(prompts=prompts, faithfulness=faithfulness, choices=choices)


def variants(base: TrainSettings) -> dict[str, tuple[TrainSettings, str | None]]:
    """Each run of the ablation: its settings, and the kind of negative that it leaves out."""
    objectives = {f"objective {name}": {"contrast": name} for name in ("representation", "likelihood", "both")}
    pooling = {f"pooling {name}": {"contrast": "both", "pooling": name} for name in ("entities", "target")}
    scaling = {f"scaling {name}": {"scaling": name} for name in ("toxicity", "density", "ema", "tax")}
    runs: dict[str, tuple[TrainSettings, str | None]] = {
        name: (base.model_copy(update=changed), None) for name, changed in (objectives | pooling | scaling).items()
    }
    return runs | {f"without {kind}": (base, kind) for kind in ("swap_ent", "swap_num", "negation", "swap_roles")}


def trained(
    version: Version, settings: TrainSettings, out: Path, *, way: str = "ours", without: str | None = None
) -> Path:
    """A model in `out`, trained where it is not there yet."""
    if not (out / "lineage.json").is_file():
        start = time.monotonic()
        pairs = version.pairs().filter(pl.col("negative_kind") != (without or ""))
        lineage: dict[str, Any] = {"version": version.reference, "digest": version.digest, "without": without}
        if way == "ours":
            parser = load_parser(RECIPE.models.parser) if settings.pooling == "entities" else None
            train(pairs, settings=settings, out=out, lineage=lineage, parser=parser)
        else:
            train_baseline(way, pairs, settings=settings, out=out, lineage=lineage)
        print(f"{out.name}: trained in {time.monotonic() - start:.0f} s")
    return out


def show(report: Report) -> None:
    """A line a figure, a column a model; * where the interval of the difference from the base leaves out 0."""
    base, *others = report["models"]
    print(f"\n{json.dumps(report['settings'])}\n")
    print(f"{'':46}{base:>12}" + "".join(f"{name[:16]:>18}" for name in others))
    for row in table(report):
        name = row["figure"]
        if name not in FIGURES and not name.startswith(("mc1", "precision", "faithfulness")):
            continue
        line = f"{name:46}" + ("           -" if row[base] is None else f"{row[base]:12.3f}")
        for other in others:
            change, sure = row[f"{other} change"], row[f"{other} better"] is not None
            told = "-" if row[other] is None else f"{row[other]:.3f}"
            line += f"{told:>9}" + (f"{change:+8.0%}" if change is not None else " " * 8) + ("*" if sure else " ")
        print(line)


def compared(models: dict[str, str | Sequence[str]], given: argparse.Namespace, version: Version) -> None:
    """Evaluate, print, and leave report.json and the pictures in `--out`."""
    start = time.monotonic()
    judges = load_models(RECIPE.models, given.out / "scores.sqlite")
    report = evaluate(
        models,
        judges=judges,
        benchmarks=benchmarks_of(given, version),
        parser=judges.parser,
        prefixes={"prompted": DEBIASING_PROMPT},
        k=given.k,
    )
    (given.out / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    draw_plane(report, given.out)
    draw_benchmarks(report, given.out)
    show(report)
    print(f"\nevaluated in {time.monotonic() - start:.0f} s; report.json and two pictures in {given.out}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("one", "headline", "ablation"))
    parser.add_argument("--ref")
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--out", type=Path, default=Path("build/training"))
    parser.add_argument("--half", choices=("even", "odd"), default="odd")
    parser.add_argument("--prompts", type=int, default=10**6)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="changed")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)

    version = version_of(given)
    changed = dict(each.split("=", 1) for each in given.changed) | ({"steps": given.steps} if given.steps else {})
    settings = RECIPE.trained_with(changed)
    print(f"{version.reference} {version.digest[:12]}: {json.dumps(settings.model_dump())}")
    models: dict[str, str | Sequence[str]] = {"base": settings.model}
    if given.command == "one":
        models["tuned"] = str(trained(version, settings, given.out / "one"))
    elif given.command == "headline":
        for way in ("ours", *BASELINES):
            seeds = [settings.model_copy(update={"seed": seed}) for seed in range(given.seeds)]
            models[way] = [str(trained(version, each, given.out / f"{way}-{each.seed}", way=way)) for each in seeds]
        models["prompted"] = settings.model
    else:
        for name, (each, without) in variants(settings).items():
            if given.only is None or name in given.only:
                assert without is None or without in NEGATIVE_KINDS
                models[name] = str(trained(version, each, given.out / name.replace(" ", "-"), without=without))
    compared(models, given, version)


if __name__ == "__main__":
    main()
