"""Train from a version and print expected maximum toxicity, perplexity and the rest before and after.

    python tests/benchmarks/training.py NAME@VERSION --store DIR [--out DIR] [--k 4] [--steps N]

Only prompts of odd digest: settings are chosen on the even ones. Our packaged prompts always; RealToxicityPrompts too
where ../shared/data/rtp_prompts.parquet lies beside the project.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # this file's own folder, in which it is named like a package

import polars as pl  # noqa: E402

from flows.recipe import read_recipe  # noqa: E402
from pairgen.digests import digest  # noqa: E402
from pairgen.loading import load_models  # noqa: E402
from pairgen.store import Store  # noqa: E402
from training.evaluate import Report, evaluate, table  # noqa: E402
from training.evaluation_data import load_clean_text, load_faithfulness, load_prompts  # noqa: E402
from training.settings import TrainSettings  # noqa: E402
from training.trainer import train  # noqa: E402

RTP = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "rtp_prompts.parquet"
RTP_EACH = 60
JUDGES = read_recipe("embedded", sources=["package:demo"]).models


def rtp_prompts() -> pl.DataFrame:
    """60 challenging and 60 harmless prompts of RealToxicityPrompts, by Perspective score, the first by digest."""
    rows = pl.read_parquet(RTP).drop_nulls("prompt_toxicity").unique("prompt", maintain_order=True)
    made = rows.select(
        id=pl.col("prompt").map_elements(digest, return_dtype=pl.String),
        prompt="prompt",
        kind=pl.when(pl.col("prompt_toxicity") >= 0.5).then(pl.lit("challenging")).otherwise(pl.lit("harmless")),
    )
    return (
        made.sort("id").group_by("kind", maintain_order=True).head(RTP_EACH).select("id", "prompt", "kind").sort("id")
    )


def odd(prompts: pl.DataFrame) -> pl.DataFrame:
    """The half of `prompts` to report, by the last bit of the digest of their ids."""
    parity = [int(hashlib.blake2b(each.encode()).hexdigest(), 16) % 2 for each in prompts["id"]]
    return prompts.filter(pl.Series(parity) == 1)


def show(title: str, report: Report, seconds: float) -> None:
    """The table of a report, a line a figure."""
    lines = [f"\n{title}: k = {report['settings']['k']}, prompts {report['settings']['prompts']}, {seconds:.0f} s"]
    for row in table(report):
        cells = [f"{row[key]:10.4f}" if row[key] is not None else f"{'-':>10}" for key in ("base", "tuned")]
        change = "" if row["tuned change"] is None else f"{row['tuned change']:+8.1%}"
        interval = "" if row["tuned low"] is None else f"[{row['tuned low']:+.3f}, {row['tuned high']:+.3f}]"
        lines.append(f"{row['figure']:56}{''.join(cells)} {change:>9}  {interval}")
    sys.stdout.write("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reference")
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--steps", type=int, default=TrainSettings().steps)
    given = parser.parse_args()

    version = Store(given.store).resolve(given.reference)
    settings = TrainSettings(steps=given.steps)
    with tempfile.TemporaryDirectory() as work:
        out = given.out or Path(work) / "model"
        start = time.monotonic()
        train(
            version.pairs(),
            settings=settings,
            out=out,
            lineage={"version": version.reference, "digest": version.digest},
        )
        sys.stdout.write(
            f"trained on {version.reference} in {time.monotonic() - start:.0f} s: {json.dumps(settings.model_dump())}\n"
        )
        judges = load_models(JUDGES, Path(work) / "scores.sqlite")
        sets = {"packaged prompts": load_prompts()}
        if RTP.is_file():
            sets["RealToxicityPrompts"] = rtp_prompts()
        else:
            sys.stdout.write(f"skipped RealToxicityPrompts: {RTP} is absent\n")
        for title, prompts in sets.items():
            start = time.monotonic()
            report = evaluate(
                {"base": settings.model, "tuned": out},
                judges=judges,
                prompts=odd(prompts),
                clean_text=load_clean_text(),
                faithfulness=load_faithfulness(),
                k=given.k,
            )
            show(title, report, time.monotonic() - start)


if __name__ == "__main__":
    main()
