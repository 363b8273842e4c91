"""Rewrites beside copy, delete and people: STA, SIM, FL, J, chrF, SIMref, invention, faults, abstention and speed.

    python tests/benchmarks/rewriting.py [--rows 1000] [--half report|tune] [--read 30]

On sentences of ../shared/data/paradetox.parquet with two human rewrites or more, drawn by digest (even digests to tune
on, odd ones to report); on toxic comments of civil_comments.parquet; and the character F1 of `locate` on
toxic_spans.parquet. Skips aloud what is not there. `--read N` prints N rewrites beside the human ones, masked.

- STA: share whose toxicity is below .5 for alt-profanity-check (which also ranks our rewrites) and, apart from it,
  for better-profanity (which had no part in them); J takes both.
- SIM: cosine to the source, SIMref: to the nearest human rewrite (MiniLM). chrF: sentence chrF, best human rewrite.
- FL: share whose NLL a token (SmolLM2, which also ranks our rewrites) is at most the source's + .5.
- J: mean over sentences of STA x SIM x FL. People are scored leave-one-out.
- An abstention keeps its source: it fails STA by itself. `abstained` is its share of the sentences of toxicity >= .7.
- invented: rewrites with a content word that is in no human rewrite, not in the source, and no neutral form that the
  lexicon gives for an expression of the source. faults: doubled words, articles and prepositions before nothing.
"""

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])  # else training.py beside this file hides the package

import numpy as np  # noqa: E402
import polars as pl  # noqa: E402
from sacrebleu.metrics import CHRF  # noqa: E402

from flows.recipe import read_recipe  # noqa: E402
from pairgen.digests import digest  # noqa: E402
from pairgen.loading import load_models  # noqa: E402
from pairgen.masking import mask  # noqa: E402
from pairgen.models import Models  # noqa: E402
from pairgen.rewriting.baselines import cosines, deleted, figures  # noqa: E402
from pairgen.rewriting.locate import lexicon_carriers, locate  # noqa: E402
from pairgen.rewriting.rewrite import RewriteSettings, rewrite  # noqa: E402

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SPECS = read_recipe("embedded", sources=["package:demo"]).models
CLEARLY_TOXIC = 0.7
FAULT = re.compile(
    r"\b(\w+) \1\b|  |\s'\s*'"
    r"|\b(?:a|an|the|my|your|their|our|very|of|for|with|such)\s*(?:[.,;:!?)]|$)"
    r"|\ba [aeio]\w|\ban [bcdfgjklmnpqrstvwz]\w",
    re.IGNORECASE,
)


def drawn(table: pl.DataFrame, column: str, *, rows: int, half: str) -> pl.DataFrame:
    """The `rows` rows with the smallest digests of `column`, of the half that is tuned on or of the one reported."""
    keyed = table.unique(column, maintain_order=True).with_columns(
        key=pl.col(column).map_elements(digest, return_dtype=pl.String)
    )
    parity = pl.col("key").map_elements(lambda key: int(key[:8], 16) % 2, return_dtype=pl.Int64)
    return keyed.filter(parity == (0 if half == "tune" else 1)).sort("key").head(rows)


def against(outputs: Sequence[str], references: Sequence[Sequence[str]], models: Models) -> dict[str, Any]:
    """SIMref and chrF of each output against the best of its references."""
    chrf = CHRF()
    flat = [(output, one) for output, some in zip(outputs, references, strict=True) for one in some]
    similar = iter(cosines([output for output, _ in flat], [one for _, one in flat], models))
    return {
        "chrF": np.array(
            [
                max(chrf.sentence_score(output, [one]).score for one in some)
                for output, some in zip(outputs, references, strict=True)
            ]
        ),
        "SIMref": np.array([max(next(similar) for _ in some) for some in references]),
    }


def ours(sources: Sequence[str], models: Models) -> tuple[list[str | None], list[str | None], float]:
    """The best rewrite of each source (None where there is none), the reason of each abstention, and seconds."""
    started = time.monotonic()
    texts = pl.DataFrame({"text_id": [str(place) for place in range(len(sources))], "text": sources})
    made = rewrite(texts, settings=RewriteSettings(rewrites_per_text=1), models=models)
    return made["rewrite"].to_list(), made["abstain_reason"].to_list(), time.monotonic() - started


def content(doc: Any) -> set[str]:
    return {token.lemma_.lower() for token in doc if token.pos_ in {"NOUN", "PROPN", "VERB", "ADJ", "ADV"}}


def invented(
    sources: Sequence[str], outputs: Sequence[str], references: Sequence[Sequence[str]], models: Models
) -> Any:
    """Whether each output has a content word that no one offers (see above)."""
    parse = models.parser.parse
    offered = [
        " ; ".join(form for carrier in lexicon_carriers(text) for sense in carrier.senses for form in sense.neutral)
        for text in sources
    ]
    known = [
        content(a) | content(b) | content(c)
        for a, b, c in zip(
            parse(sources), parse([" ; ".join(some) for some in references]), parse(offered), strict=True
        )
    ]
    plain = [f" {a} {' '.join(b)} {c} ".lower() for a, b, c in zip(sources, references, offered, strict=True)]
    return np.array(
        [
            any(word not in lemmas and word not in text for word in content(doc))
            for doc, lemmas, text in zip(parse(outputs), known, plain, strict=True)
        ]
    )


def row(name: str, found: dict[str, Any]) -> str:
    order = ("STA", "STA judge", "SIM", "FL", "J", "chrF", "SIMref", "invented", "faults")
    cells = [f"{np.mean(found[key]):10.3f}" if key in found else " " * 10 for key in order]
    return f"{name:10}{''.join(cells)}"


HEADER = f"{'':10}" + "".join(
    f"{name:>10}" for name in ("STA", "STA judge", "SIM", "FL", "J", "chrF", "SIMref", "invented", "faults")
)


def faults(outputs: Sequence[str], sources: Sequence[str]) -> Any:
    """Outputs with more repair faults than their source."""
    return np.array([len(FAULT.findall(a)) > len(FAULT.findall(b)) for a, b in zip(outputs, sources, strict=True)])


def compare(sources: list[str], references: list[list[str]] | None, models: Models, *, read: int) -> None:
    ours(["You are a stupid liar."], models)  # loads every model
    rewrites, reasons, seconds = ours(sources, models)
    toxicity = models.toxicity.toxicity(sources)
    answers = [made if made is not None else text for made, text in zip(rewrites, sources, strict=True)]
    systems = {
        "copy": sources,
        "delete": deleted(sources, models, max_toxicity=RewriteSettings().max_toxicity),
        "ours": answers,
    }
    lines = [HEADER]
    for name, outputs in systems.items():
        found = {**figures(sources, outputs, models), "faults": faults(outputs, sources)}
        if references:
            found |= against(outputs, references, models)
            found["invented"] = invented(sources, outputs, references, models)
        lines.append(row(name, found))
    if references:
        flat = [
            (text, one, [other for other in some if other != one] or [one])
            for text, some in zip(sources, references, strict=True)
            for one in some
        ]
        texts, people, others = (list(column) for column in zip(*flat, strict=True))
        found = {**figures(texts, people, models), "faults": faults(people, texts)}
        lines.append(row("people", found | against(people, others, models)))
    clearly = toxicity >= CLEARLY_TOXIC
    silent = np.array([made is None for made in rewrites])
    counted = {reason: reasons.count(reason) for reason in sorted({reason for reason in reasons if reason})}
    lines.append(
        f"abstained: {silent[clearly].mean():.3f} of {clearly.sum()} clearly toxic, "
        f"{silent.mean():.3f} of all {counted}"
    )
    lines.append(f"ours: {len(sources) / seconds:.1f} sentences a second ({seconds:.0f} s, models loaded before)")
    print("\n".join(lines), flush=True)
    for place in range(min(read, len(sources))):
        people_say = f"\n  people  {mask(references[place][0], plain=True)}" if references else ""
        made = mask(rewrites[place] or reasons[place] or "", plain=True)
        print(f"\n  source  {mask(sources[place], plain=True)}\n  ours    {made}{people_say}")


def spans_f1(table: pl.DataFrame, models: Models) -> None:
    """Character F1 of `locate` against people's marks, mean over texts; both empty count as 1 (SemEval-2021 task 5)."""
    docs = models.parser.parse(table["text"].to_list())
    found = locate(docs, scorer=models.toxicity, max_toxicity=RewriteSettings().max_toxicity)
    scores = []
    for carriers, marks in zip(found, table["toxic_spans"].to_list(), strict=True):
        ours_ = {place for carrier in carriers for place in range(carrier.start, carrier.end)}
        theirs = {place for one in marks for place in range(one["start"], one["end"])}
        both = len(ours_) + len(theirs)
        scores.append(2 * len(ours_ & theirs) / both if both else 1.0)
    print(f"character F1: {np.mean(scores):.3f} on {len(scores)} texts", flush=True)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=1000)
    arguments.add_argument("--half", choices=["report", "tune"], default="report")
    arguments.add_argument("--read", type=int, default=0)
    arguments.add_argument("--only", choices=["paradetox", "civil", "spans"])
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as work:
        models = load_models(SPECS, Path(work) / "scores.sqlite")
        for part, file in (
            ("paradetox", "paradetox.parquet"),
            ("civil", "civil_comments.parquet"),
            ("spans", "toxic_spans.parquet"),
        ):
            if given.only not in (None, part):
                continue
            if not (DATA / file).is_file():
                print(f"skipped: {DATA / file} is absent")
                continue
            table = pl.read_parquet(DATA / file)
            print(f"\n{file}, {given.rows} rows of the half to {given.half}", flush=True)
            if part == "paradetox":
                chosen = drawn(
                    table.filter(pl.col("neutral").list.unique().list.len() >= 2),
                    "toxic",
                    rows=given.rows,
                    half=given.half,
                )
                compare(chosen["toxic"].to_list(), chosen["neutral"].to_list(), models, read=given.read)
            elif part == "civil":
                chosen = drawn(table, "text", rows=given.rows * 3, half=given.half)
                scores = models.toxicity.toxicity(chosen["text"].to_list())
                toxic = chosen.filter(pl.Series(scores >= CLEARLY_TOXIC)).head(given.rows)
                compare(toxic["text"].to_list(), None, models, read=given.read)
            else:
                spans_f1(drawn(table, "text", rows=given.rows, half=given.half), models)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
