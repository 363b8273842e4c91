"""What tells the negatives of a build on real comments from their positives; and some of them, to be read.

    python tests/benchmarks/negatives.py [--civil 400] [--recipe embedded] [--store DIR]
    python tests/benchmarks/negatives.py --read swap_ent 20 [--reveal] [--store DIR]

By kind: pairs, the AUC of form alone (over single texts, and within pairs) and of words alone. With `--read`, members
of one kind instead, the first by digest, each under its positive: [-words-] went, {+words+} came; toxic words are
masked unless `--reveal`. Comments of civil_comments.parquet are drawn by the digest of their text. A store that is
there is read, not built anew. Skips aloud where the comments are not there.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])  # else training.py beside this file hides the package

import polars as pl  # noqa: E402

from data_cards.shortcuts import shortcuts  # noqa: E402
from data_cards.wording import sides  # noqa: E402
from pairgen.digests import digest  # noqa: E402
from pairgen.store import Store  # noqa: E402
from tests.benchmarks.build import DATA, build, sample  # noqa: E402


def told(pairs: pl.DataFrame) -> None:
    print(f"{'':14}{'pairs':>7}{'form':>8}{'in pairs':>10}{'words':>8}   told most by")
    for row in shortcuts(pairs):
        aucs = [f"{row[name]:.3f}" if row[name] is not None else "few" for name in ("form", "form_in_pairs", "words")]
        telling = ", ".join(f"{each['feature']} {each['share']:.3f}" for each in row["telling"])
        print(f"{row['negative_kind']:14}{row['pairs']:>7}{aucs[0]:>8}{aucs[1]:>10}{aucs[2]:>8}   {telling}")


def read(pairs: pl.DataFrame, kind: str, number: int, *, reveal: bool) -> None:
    one_each = pairs.filter(pl.col("negative_kind") == kind).sort("pair_id").unique("set_id", keep="first")
    keyed = one_each.with_columns(key=pl.col("negative").map_elements(digest, return_dtype=pl.String)).sort("key")
    print(f"{kind}: {min(number, keyed.height)} of {keyed.height}")
    for place, example in enumerate(keyed.head(number).iter_rows(named=True), 1):
        both = sides(example)
        print(f"\n{place:>3} positive  {line(both['positive'], '[-', '-]', reveal)}")
        print(f"    negative  {line(both['negative'], '{+', '+}', reveal)}", flush=True)


def line(segments: list[dict[str, Any]], opens: str, closes: str, reveal: bool) -> str:
    shown = [(each["raw" if reveal else "masked"], each["mark"]) for each in segments]
    return "".join(f"{opens}{text}{closes}" if mark else text for text, mark in shown)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--civil", type=int, default=400)
    arguments.add_argument("--recipe", default="embedded")
    arguments.add_argument("--store", type=Path, help="keep the version here, or read the one that is here")
    arguments.add_argument("--read", nargs=2, metavar=("KIND", "N"))
    arguments.add_argument("--reveal", action="store_true", help="do not mask toxic words")
    given = arguments.parse_args()
    comments = DATA / "civil_comments.parquet"
    with tempfile.TemporaryDirectory() as work:
        store = given.store or Path(work) / "store"
        if not (store / "comments").is_dir():
            if not comments.is_file():
                sys.exit(f"SKIPPED: {comments} is not there; this benchmark needs real comments")
            built = build([sample(comments, given.civil, Path(work))], store, recipe=given.recipe)
            print(f"{given.civil} comments, {built['counts']['pairs']} pairs, {built['seconds']:.0f} s", flush=True)
        pairs = Store(store).resolve("comments").pairs()
    if given.read:
        read(pairs, given.read[0], int(given.read[1]), reveal=given.reveal)
    else:
        told(pairs)


if __name__ == "__main__":
    main()
