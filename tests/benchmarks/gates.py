"""What the gates of a recipe keep of what people wrote, and of the same made wrong; what they cost.

    python tests/benchmarks/gates.py [--rows 2000] [--half report|tune] [--speed-rows 10000]

On human pairs of ../shared/data/paradetox.parquet, drawn by digest (even digests to tune on, odd ones to report): share
kept whole, and corrupted by code of its own, which is not that of the negatives. Then both sides of the trade between
what people write and flipped negations and swapped roles, as thresholds move, and what a ceiling of similarity costs.
On factual_summary_pairs.parquet: share of pairs of which the faithful side passes and the unfaithful one is dropped,
both held against the context, with all gates, without each and with each alone. And rows a second of the filters that
need no model, on pairs of both halves. Skips aloud what is not there.

Then what `contamination` drops of comments, and of texts of three public evaluation sets.

Near duplicates are left out of the shares: they are no matter of a single pair.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])  # else training.py beside this file hides the package

import polars as pl  # noqa: E402

from filters.base import Filter, keep_pairs, score_pairs  # noqa: E402
from filters.contamination import Contamination  # noqa: E402
from filters.negation_kept import NegationKept  # noqa: E402
from filters.roles_kept import RolesKept  # noqa: E402
from filters.rows import judge_rows, score_rows  # noqa: E402
from filters.similarity import Similarity  # noqa: E402
from flows.recipe import Recipe, read_recipe  # noqa: E402
from pairgen.digests import digest, pick  # noqa: E402
from pairgen.given_pairs import pair_faults  # noqa: E402
from pairgen.loading import load_models  # noqa: E402
from pairgen.models import Models  # noqa: E402

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ASK_MODELS = {
    "toxicity",
    "judge",
    "identity_only",
    "similarity",
    "entities_kept",
    "roles_kept",
    "fluency",
    "nli",
    "nli_negative",
}

NAMES = ("Margaret Holloway", "Dmitri Sokolov", "Ingrid Dahl", "Rotterdam", "Senator Whitcombe", "Northwind Airlines")
REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I cannot rewrite this text because it contains offensive language.",
    "Sorry, I can't assist with that request.",
    "As an AI language model, I do not produce content of this kind.",
    "I am unable to fulfil this request.",
    "I apologize, but I won't be able to rewrite that.",
)
PREAMBLES = (
    "Sure! Here is the rewritten sentence: ",
    "Here's a more polite version: ",
    "Of course. Here is a non-toxic version of the text:\n\n",
    "Rewritten text: ",
    "Certainly, here is what you asked for: ",
    "Sure, I'd be happy to help. ",
)
INSULTS = (
    " you idiot",
    ", you stupid moron",
    " what a piece of shit",
    " fucking losers",
    ", asshole",
    " you dumb bitch",
)
NUMBER_WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twenty", "hundred")
OTHER_CASE = {
    "i": "me", "me": "i", "he": "him", "him": "he", "she": "her", "her": "she", "we": "us", "us": "we",
    "they": "them", "them": "they",
}  # fmt: skip
AUXILIARY = re.compile(r"\b(?:is|are|was|were|am|will|would|can|could|should|must)\b", re.IGNORECASE)
NEGATION = re.compile(r"(?:(?<=\w)n['’]t|\s+not|\s+never)\b", re.IGNORECASE)
NUMBER = re.compile(rf"\b(?:\d+|{'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)


def drawn(file: Path, *, rows: int, half: str | None) -> pl.DataFrame:
    """`toxic` and `positive`, a row a human rewrite, of the sentences with the smallest digests of the half, or all."""
    table = pl.read_parquet(file).explode("neutral").rename({"neutral": "positive"})
    keyed = table.unique(maintain_order=True).with_columns(
        key=pl.col("toxic").map_elements(digest, return_dtype=pl.String)
    )
    parity = pl.col("key").map_elements(lambda key: int(key[:8], 16) % 2, return_dtype=pl.Int64)
    wanted = pl.lit(True) if half is None else parity == (0 if half == "tune" else 1)
    return keyed.filter(wanted).sort("key", "positive").head(rows).drop("key")


# Corruptions of a human rewrite: each gives None where there is nothing to corrupt ------------------------------------


def number_changed(text: str, seed: str) -> str | None:
    found = NUMBER.search(text)
    if found is None:
        return None
    old = found.group()
    if old.isdecimal():
        new = str(int(old) + pick((1, 2, 3, 7), "number", seed))
    else:
        new = pick([word for word in NUMBER_WORDS if word != old.lower()], "number", seed)
    return text[: found.start()] + new + text[found.end() :]


def negation_flipped(text: str, _seed: str) -> str | None:
    found = NEGATION.search(text)
    if found:
        return text[: found.start()] + text[found.end() :]
    found = AUXILIARY.search(text)
    return f"{text[: found.end()]} not{text[found.end() :]}" if found else None


def entity_added(text: str, seed: str) -> str:
    name = pick(NAMES, "entity", seed)
    return pick((f"{text} , says {name}", f"According to {name} , {text}", f"{text} at {name}"), "place of it", seed)


def truncated(text: str, _seed: str) -> str | None:
    words = text.split()
    return " ".join(words[: len(words) // 3]) if len(words) >= 6 else None


def roles_swapped(doc: Any) -> str | None:
    """Subject and object of the first verb that has both exchange places; None where that changes nothing."""
    chunks = list(doc.noun_chunks)
    for subject in chunks:
        for other in chunks:
            if subject.root.dep_ == "nsubj" and other.root.dep_ == "dobj" and subject.root.head == other.root.head:
                first, second = (OTHER_CASE.get(chunk.text.lower(), chunk.text) for chunk in (other, subject))
                between = doc.text[subject.end_char : other.start_char]
                swapped = doc.text[: subject.start_char] + first + between + second + doc.text[other.end_char :]
                return swapped if swapped != doc.text and subject.start < other.start else None
    return None


def unrelated(texts: Sequence[str], toxic: Sequence[str]) -> list[str | None]:
    """For each text the next one, in a circle, that is the rewrite of another sentence."""
    pairs = list(zip(texts, toxic, strict=True))
    around = (pairs[place + 1 :] + pairs[:place] for place in range(len(pairs)))
    return [
        next((text for text, of in others if of != parent), None) for others, parent in zip(around, toxic, strict=True)
    ]


def corruptions(table: pl.DataFrame, models: Models) -> dict[str, list[str | None]]:
    """Each corruption's positives, a list as long as `table`."""
    texts, toxic = table["positive"].to_list(), table["toxic"].to_list()
    rules: dict[str, Callable[[str, str], str | None]] = {
        "number changed": number_changed,
        "negation flipped": negation_flipped,
        "foreign entity added": entity_added,
        "the same in lower case": lambda text, seed: entity_added(text, seed).lower(),
        "truncated to a third": truncated,
        "refusal": lambda _, seed: pick(REFUSALS, "refusal", seed),
        "preamble": lambda text, seed: pick(PREAMBLES, "preamble", seed) + text,
        "insult appended": lambda text, seed: text.rstrip(" .") + pick(INSULTS, "insult", seed),
    }
    made = {name: [rule(text, text) for text in texts] for name, rule in rules.items()}
    made["subject and object swapped"] = [roles_swapped(doc) for doc in models.parser.parse(texts)]
    made["unrelated rewrite"] = unrelated(texts, toxic)
    made["copy"] = list(toxic)
    return made


# Judging --------------------------------------------------------------------------------------------------------------


def rows_of(positives: Sequence[str], negatives: Sequence[str], parents: Sequence[str]) -> pl.DataFrame:
    """What the filters need of these pairs, each in a set of its own."""
    table = pl.DataFrame({"positive": positives, "negative": negatives, "parent": parents})
    number = pl.int_range(pl.len()).cast(pl.String)
    kind = pl.lit(None, dtype=pl.String)
    return table.with_columns(context=pl.lit(""), pair_id=number, set_id=number.str.zfill(12), negative_kind=kind)


def scored(rows: pl.DataFrame, recipe: Recipe, models: Models) -> pl.DataFrame:
    rows = rows.with_columns(fault=pair_faults(rows, recipe.source))
    return score_rows(rows, recipe.filters, models, min_toxicity=recipe.mine.min_toxicity)


def kept(table: pl.DataFrame, filters: Sequence[Filter], models: Models) -> pl.DataFrame:
    """`kept` and `drop_reason` of rows that were scored; filters across sets are left out."""
    return judge_rows(table, [each for each in filters if not each.across_sets], models)


def moved(filters: Sequence[Filter], **others: Filter | None) -> list[Filter]:
    """The `filters` with those of these kinds replaced, or taken out."""
    return [found for each in filters if (found := others.get(each.kind, each)) is not None]


def line(name: str, outcome: pl.DataFrame) -> str:
    reasons = outcome.filter(~pl.col("kept"))["drop_reason"].value_counts(sort=True).head(5).rows()
    told = ", ".join(f"{reason} {count / outcome.height:.3f}" for reason, count in reasons)
    share = outcome["kept"].mean() if outcome.height else float("nan")
    return f"{name:28}{outcome.height:>7}{share:>8.3f}  {told}"


def paradetox(table: pl.DataFrame, recipe: Recipe, models: Models) -> None:
    toxic = table["toxic"].to_list()
    people = scored(rows_of(table["positive"].to_list(), toxic, toxic), recipe, models)
    print(f"{'':28}{'pairs':>7}{'kept':>8}  dropped by", flush=True)
    print(line("people", kept(people, recipe.filters, models)), flush=True)
    corrupted = {}
    for name, texts in corruptions(table, models).items():
        both = [(text, parent) for text, parent in zip(texts, toxic, strict=True) if text]
        positives, parents = [text for text, _ in both], [parent for _, parent in both]
        corrupted[name] = scored(rows_of(positives, parents, parents), recipe, models)
        print(line(name, kept(corrupted[name], recipe.filters, models)), flush=True)
    flipped, swapped = corrupted["negation flipped"], corrupted["subject and object swapped"]
    settings: dict[str, Filter | None] = {
        "negation_kept max_changed none": NegationKept(),
        **{f"negation_kept max_changed {limit}": NegationKept(max_changed=limit) for limit in (2, 1, 0)},
        "roles_kept off": None,
        **{f"roles_kept min_ratio {ratio}": RolesKept(min_ratio=ratio) for ratio in (0.5, 1.0)},
        **{
            f"similarity max_score {most}": Similarity(min_score=0.45, max_score=most)
            for most in (0.99, 0.95, 0.9, 0.85)
        },
    }
    print(f"\n{'kept, as a gate moves':34}{'people':>8}{'negation flipped':>20}{'roles swapped':>16}")
    for name, gate in settings.items():
        filters = moved(recipe.filters, **{name.split()[0]: gate})
        shares = [kept(each, filters, models)["kept"].mean() or 0 for each in (people, flipped, swapped)]
        print(f"{name:34}{shares[0]:>8.3f}{shares[1]:>20.3f}{shares[2]:>16.3f}")


def factual(table: pl.DataFrame, recipe: Recipe, models: Models) -> None:
    context, faithful, unfaithful = (table[name].to_list() for name in ("context", "faithful", "unfaithful"))
    good = scored(rows_of(faithful, unfaithful, context), recipe, models)
    bad = scored(rows_of(unfaithful, faithful, context), recipe, models)
    gates = [each for each in recipe.filters if not each.across_sets]
    settings = {"all gates": gates}
    settings |= {f"without {gate.kind}": [each for each in gates if each is not gate] for gate in gates}
    settings |= {f"{gate.kind} alone": [gate] for gate in gates}
    settings["negation_kept max_changed 0"] = moved(gates, negation_kept=NegationKept(max_changed=0))
    print(f"{'':28}{'told apart':>12}{'faithful kept':>15}{'unfaithful kept':>17}")
    for name, some in settings.items():
        sides = [kept(each, some, models)["kept"] for each in (good, bad)]
        shares = [(sides[0] & ~sides[1]).mean(), sides[0].mean(), sides[1].mean()]
        print(f"{name:28}{shares[0]:>12.3f}{shares[1]:>15.3f}{shares[2]:>17.3f}", flush=True)


def speed(table: pl.DataFrame, recipe: Recipe, models: Models) -> None:
    toxic = table["toxic"].to_list()
    rows = rows_of(table["positive"].to_list(), toxic, toxic).with_columns(source=pl.lit("paradetox"))
    filters = [each for each in recipe.filters if each.kind not in ASK_MODELS]
    seconds = {}
    for each in filters:
        started = time.perf_counter()
        keep_pairs(score_pairs(rows, [each], models), [each], stage="filter")
        seconds[each.kind] = time.perf_counter() - started
    for name, taken in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"{name:28}{rows.height / taken:>12,.0f} rows a second")
    print(f"{'all of them':28}{rows.height / sum(seconds.values()):>12,.0f} rows a second, {rows.height:,} rows")


def contaminated(texts: Sequence[str], models: Models) -> None:
    """Of comments and of each set's own texts in a few other words, the share that the gate drops."""
    for name in ("truthfulqa_mc1", "rtp_prompts", "factual_summary_pairs"):
        file = DATA / f"{name}.parquet"
        if not file.is_file():
            print(f"SKIPPED: {file} is not there")
            continue
        gate = Contamination(against=(str(file),))
        own = [text for text in pl.read_parquet(file).to_series(0).head(200) if len(text.split()) >= 8]
        planted = [f"So {text} he said" for text in own]
        shares = [(gate.score(rows_of(some, some, some), models) > gate.max_score).mean() for some in (texts, planted)]
        print(
            f"{name:28}{len(texts):>7} comments{shares[0]:>8.3f}   {len(own):>5} of its own{shares[1]:>8.3f}",
            flush=True,
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=2_000)
    arguments.add_argument("--half", choices=["report", "tune"], default="report")
    arguments.add_argument("--speed-rows", type=int, default=10_000)
    arguments.add_argument("--recipe", default="embedded")
    given = arguments.parse_args()
    recipe = read_recipe(given.recipe, sources=["package:demo"])
    with tempfile.TemporaryDirectory() as work:
        models = load_models(recipe.models, Path(work) / "scores.sqlite")
        human, summaries = DATA / "paradetox.parquet", DATA / "factual_summary_pairs.parquet"
        comments = DATA / "civil_comments.parquet"
        if human.is_file():
            print(f"\nparadetox.parquet, {given.rows} human pairs of the half to {given.half}", flush=True)
            paradetox(drawn(human, rows=given.rows, half=given.half), recipe, models)
            print("\nfilters that need no model", flush=True)
            speed(drawn(human, rows=given.speed_rows, half=None), recipe, models)
        else:
            print(f"SKIPPED: {human} is not there; the shares kept and the speed need human pairs")
        if summaries.is_file():
            table = pl.read_parquet(summaries).head(given.rows)
            print(f"\nfactual_summary_pairs.parquet, {table.height} pairs", flush=True)
            factual(table, recipe, models)
        else:
            print(f"SKIPPED: {summaries} is not there; telling faithful from unfaithful needs it")
        if comments.is_file():
            print("\ncontamination: texts of public evaluation sets among comments", flush=True)
            contaminated(pl.read_parquet(comments)["text"].head(given.rows).to_list(), models)
        else:
            print(f"SKIPPED: {comments} is not there; what of it stands in evaluation sets needs it")


if __name__ == "__main__":
    main()
