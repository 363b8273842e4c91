"""What a card says in words: limits, uses, names of kinds; and corpus text made harmless for where it is shown."""

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pairgen.draft import Draft
from pairgen.masking import mask
from pairgen.schema import SPLITS

Span = tuple[int, int]

HUB_LICENCES = {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-sa-3.0", "cc-by-nc-4.0", "odc-by"}
KINDS = {
    "original": "a clean text as found",
    "rewrite": "a toxic text, rewritten",
    "human": "a toxic text, rewritten by a person",
    "back_translation": "translated and back",
    "toxic": "a toxic text, as found or as a model went on",
    "swap_ent": "another name",
    "swap_num": "another number",
    "mask_ent": "a name filled in by a model",
    "mask_rel": "a verb filled in by a model",
    "regen_ent": "written on by a model from a name",
    "regen_rel": "written on by a model from a verb",
    "negation": "negation added or removed",
    "swap_roles": "agent and patient exchanged",
    "sys_lowcon": "a model's own unsure output",
}
TAGS = ["contrast-pairs", "preference", "toxicity", "detoxification", "faithfulness", "counterfactual"]
ABOUT = (
    "Each pair holds a positive (faithful and non-toxic) and a negative (toxic or unfaithful) for the same context, to "
    "make language models less toxic without making them less faithful."
)
USES = (
    "Made for training and testing language models to prefer faithful, non-toxic text over toxic or unfaithful text.",
    "Not for training a toxicity classifier (the labels are another classifier's scores), and not for generating "
    "abuse: half of every toxic pair is abuse. Positives are machine-made unless their kind says otherwise; "
    "they speak for nobody.",
)
SHORTCUTS = (
    "How well length, capitals, punctuation, spacing and digits alone tell a positive from a negative: 0.5 is chance, "
    "1 is always. In pairs both sides are given, as in training; else any two texts (area under the ROC curve). Over "
    "0.6 by either, a kind wants a look, but for toxic texts, which may show. Told by: the features that alone tell "
    "most, with the share of pairs in which the positive has more. Words: the words alone, over any two texts. Word "
    "list: only how many abusive words of the lexicon each side of a pair holds; what it tells needs no model."
)
THRESHOLDS = (
    "What the version would keep with one threshold moved and all else as it is, from the scores in it: some way to "
    "passing everything, and to passing half of what passes now. `contrast-pairs whatif` asks for any other."
)
AGREEMENT = (
    "The texts were selected by these models, so that both flatter the positives that were kept. Where they disagree, "
    "somebody should read. Both are read at 0.5. Kappa is the agreement beyond chance: 1 is full, 0 is none; where "
    "both say one and the same of every text there is none to tell."
)
BASELINES = (
    "Toxic texts of this build, the first by digest, whether or not a rewrite of them was kept: a text without one "
    "stays as it is, and is judged so. STA is the share with a toxicity under 0.5, SIM the cosine to the toxic text, "
    "FL the share at most half a nat a token less likely to the language model, J the mean of the product of all. "
    "Copying mends nothing; deleting cuts out what carries the toxicity and mends nothing around it. "
    "These models also chose our rewrites, and no others will give the same figures."
)
NO_BASELINES = "Not known: no toxic text was rewritten, or the models were not asked."
SYSTEMS = {"copy": "copy", "delete": "delete", "ours": "ours", "human": "people"}
MEASURES = {
    "answered": "answered",
    "sta": "STA, scorer",
    "sta_judge": "STA, judge",
    "sim": "SIM",
    "fl": "FL",
    "j": "J",
}
_LIMITS = (
    (
        "profanity_check",
        "The toxicity scorer is a linear model over words. It is strong on profanity and blind to implicit hate: "
        "a threat or a slur in polite words passes as clean, in positives too.",
    ),
    (
        "better_profanity",
        "The judge is a word list. It is independent of the scorer, but it sees only the words that it lists, "
        "so its agreement says nothing about toxicity without such words.",
    ),
    (
        "smollm2",
        "Fluency was judged by a very small language model (135 million parameters): it ranks rewrites, "
        "but cannot tell good prose from passable prose.",
    ),
)
_BY_LEXICON = (
    "Rewrites are made without a large language model, by deleting and substituting the words that carry the toxicity. "
    "They stay close to their original, and sometimes read like it."
)
_BY_MODELS = (
    "Rewrites delete and substitute the words that carry the toxicity; where that gives none that is good, it may be "
    "by a model ({}). Those stray further from their original."
)
_GENERAL_LIMITS = (
    "The texts were selected by the scorer, and by the judge where the recipe filters by it: their scores on positives "
    "look better than they are. Read the examples.",
    "English only. What is toxic differs between people and places; one score cannot say for whom a text is harmful.",
)
_NO_EVALUATION_SET = (
    "Nobody looked for texts of evaluation sets: the recipe holds the pairs against none. Who reports on such a set "
    "should build with a contamination filter that names it."
)
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, bidi and zero-width, surrogates, line separators
_MARKDOWN = re.compile(r"[&<>|\\`*_\[\]#~@:=+{}$^!\"/]|-(?=-)|(?<=-)-|^-|(?<=www)\.", re.IGNORECASE)
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def limits(draft: Draft) -> list[str]:
    """What to know before trusting this version, by the models that made it."""
    models = " ".join(draft.contents.fingerprints.values()).lower()
    unseen = [] if any(kind == "contamination" for kind, _, _ in held_against(draft)) else [_NO_EVALUATION_SET]
    writers = rewriters(draft)
    rewrites = _BY_MODELS.format(", ".join(writers)) if writers else _BY_LEXICON
    return [*(text for needle, text in _LIMITS if needle in models), rewrites, *_GENERAL_LIMITS, *unseen]


def rewriters(draft: Draft) -> list[str]:
    """The roles of the models that rewrites may be by, besides the lexicon."""
    asked = tomllib.loads(draft.contents.recipe).get("rewrite", {}).get("generated", 0)
    return ["language"] * bool(asked) + [
        role for role in ("filler", "translator") if role in draft.contents.fingerprints
    ]


def generates_toxic(draft: Draft) -> bool:
    """Whether a language model was asked for toxic negatives, besides those of the corpus."""
    return "toxic" in tomllib.loads(draft.contents.recipe).get("negatives", {}).get("kinds", ())


def held_against(draft: Draft) -> list[tuple[str, str, str]]:
    """What the filters of the recipe held the pairs against: the filter, a file or version, and its sha256."""
    filters = tomllib.loads(draft.contents.recipe).get("filters", [])
    return [(each["kind"], *spec.rpartition("@")[::2]) for each in filters for spec in each.get("against", ())]


def licences(stats: dict[str, Any]) -> list[str]:
    """The licences of the sources, each once, in order."""
    stated = [str(source.get("licence") or "unknown") for source in stats["sources"]]
    return list(dict.fromkeys(stated)) or ["unknown"]


def splits(counts: dict[str, Any]) -> list[str]:
    """The splits that hold rows, the common three first."""
    return [split for split in (*SPLITS, "unsplit") if split in counts["by_split"]]


def outcome(point: dict[str, Any]) -> str:
    """The pairs that a threshold keeps, and of how many nobody knows."""
    unknown = f" (and up to {point['unknown']:,} that lack a score)" if point["unknown"] else ""
    return f"{point['kept']:,}{unknown}"


def judged(what_if: Sequence[dict[str, Any]]) -> str:
    """Of how many pairs the rows of `filters.what_if.curves` are."""
    pairs, reached = sum(what_if[0]["points"][0][key] for key in ("kept", "dropped", "unknown")), what_if[0]["reached"]
    if pairs == reached:
        return f"{reached:,} pairs reached the filters; what is not kept is dropped."
    return (
        f"{reached:,} pairs reached the filters; the figures are of a sample of {pairs:,} pairs, the whole sets of "
        "smallest id, as if there were no other sets that they could nearly duplicate; what is not kept is dropped."
    )


def telling(row: dict[str, Any]) -> str:
    """The features of form that tell most of a kind of negative, each with its share of pairs."""
    return ", ".join(f"{each['feature']} {each['share']:.2f}" for each in row["telling"])


def decided(causes: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What decides a version and changed, one after the other: corpus, recipe, models, code; with what, from and to."""
    corpus = [("corpus", {"what": f"{row['source']} {row['change']}", **row}) for row in causes["corpus"]]
    recipe = [("recipe", {"what": row["key"], **row}) for row in causes["recipe"]]
    models = [("model", {"what": row["role"], **row}) for row in causes["models"]]
    code = [("code", {"what": "", **causes["code"]})] if causes["code"] else []
    return [*corpus, *recipe, *models, *code]


def or_none(found: Any) -> str:
    """What a setting, a model or a source is, or `none`."""
    return "none" if found is None else str(found)


def visible(text: str) -> str:
    """`text` on one line, with every control, bidi and zero-width character made a plain mark: nothing acts unseen."""
    return "".join(_shown(letter) for letter in text)


def markdown(text: str) -> str:
    """`text` as Markdown that shows it literally: no tag, table cell, fence, rule, link or mention comes out of it."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", visible(text))


def changed(one: str, other: str) -> tuple[list[Span], list[Span]]:
    """The words of `one` and of `other` that the two do not share, as characters."""
    tokens = [list(_TOKEN.finditer(text)) for text in (one, other)]
    left, right = ([token[0] for token in side] for side in tokens)
    found: tuple[list[Span], list[Span]] = ([], [])
    for what, *ends in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what != "equal":
            for side, (start, end) in enumerate((ends[:2], ends[2:])):
                found[side].extend(token.span() for token in tokens[side][start:end] if token[0].isalnum())
    return found


def segments(text: str, marks: list[Span], *, cover: bool, plain: bool = False) -> list[dict[str, Any]]:
    """`text` cut at `marks`: what each piece says raw and masked, and whether it is marked.

    Toxic words are masked; with `cover` the marked words are too, with `plain` words that are toxic only at times.
    """
    covered = mask(text, marks if cover else None, plain=plain)
    ends = sorted({0, len(text), *(place for span in marks for place in span)})
    starts = {start for start, _ in marks}
    return [
        {"raw": visible(text[start:end]), "masked": visible(covered[start:end]), "mark": start in starts}
        for start, end in pairwise(ends)
    ]


def word_piece(word: str, *, toxic: bool) -> dict[str, Any]:
    """One word raw and masked: covered where it stands out in `toxic` texts, or is abusive in some use."""
    return {**segments(word, [(0, len(word))], cover=toxic, plain=True)[0], "mark": False}


def sides(example: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The segments of a pair's positive and negative, with the words marked that differ."""
    positive, negative = changed(example["positive"], example["negative"])
    toxic = example["negative_kind"] == "toxic"
    dropped = example.get("drop_reason") is not None
    return {
        "positive": segments(example["positive"], positive, cover=False, plain=dropped),
        "negative": segments(example["negative"], negative, cover=toxic, plain=dropped or toxic),
    }


def _shown(letter: str) -> str:
    if letter in "\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029":
        return " "
    return "�" if unicodedata.category(letter) in _INVISIBLE else letter
