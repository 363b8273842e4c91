"""Shortcut cues: whether form alone tells positives from negatives, which a model could learn instead of truth.

Logistic regressions see lengths, capitals, punctuation, spacing and digits, never a word; one sees words alone.
"""

import re
from typing import Any

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pairgen.rewriting.locate import lexicon_spans
from pairgen.schema import collected

MAX_AUC = 0.6  # more is a warning, but for `toxic`: what makes a text toxic is allowed to show
FEWEST = 50  # pairs: with fewer, the standard error of an AUC without any cue is over .06
_MOST = 2_000  # pairs a kind are looked at, the first by id, which is a digest: standard error .01
_FOLDS = 5
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_COUNTS = {  # how often the pattern is found, as log(1 + n)
    "characters": r"(?s).",
    "words": _WORD.pattern,
    "ends of sentences": r"[.!?](?=\s|$)",
    "capitals": r"[A-Z]",
    "words in capitals": r"\b[A-Z]{2,}\b",
    "digits": r"\d",
    "full stops": r"\.",
    "commas": r",",
    "exclamation marks": r"!",
    "question marks": r"\?",
    "apostrophes": r"['’`]",
    "quotation marks": r"[\"“”]",
    "hyphens and dashes": r"[-–—]",
    "other marks": r"[^\w\s.,!?'’`\"“”–—-]",
    "repeated marks": r"([^\w\s])\1",
    "double spaces": r"\s{2,}",
    "line breaks": r"\n",
    "spaces before a mark": r"\s[.,!?;:]",
    "marks without a space": r"[,;:!?](?=[^\W\d])",
}
_SHARES = {"share of capitals": r"[A-Z]", "share of marks": r"[^\w\s]", "share of spaces": r"\s"}
_WHETHER = ("capital at the start", "ends in a full stop", "ends in ! or ?", "ends in no mark")
_AROUND = " \t\r\n\"'“”‘’()[]*"  # stands before the first letter or behind the last mark
FEATURES = (*_COUNTS, *_SHARES, *_WHETHER, "mean word length")


def shortcuts(pairs: pl.LazyFrame) -> list[dict[str, Any]]:
    """A row a kind of negative, the most frequent first: how well its two sides are told apart. 0.5 is chance.

    - `form`: area under the ROC curve over all texts, each pair giving one text of either side
    - `form_in_pairs`: the same given both sides of a pair, as a preference loss is: the share of pairs in which form
      tells the positive, half of those without a difference counted in (two-alternative forced choice). A cue of one
      word in a hundred hardly shows in `form`, and fully here.
    - `words`: as `form`, from the words alone
    - `listed`: as `form_in_pairs`, from how many abusive words of the lexicon either side holds: what a list explains
    - `telling`: the features that alone tell most in pairs, with that share; under 0.5 the negative has more of it

    Figures are out of fold, folds by set; None with fewer than 50 pairs or 5 sets. `warns` is null there and for
    `toxic`, else whether form tells more than 0.6 by either measure.
    """
    kinds = collected(pairs.group_by("negative_kind").len())
    texts, rows = pairs.select("pair_id", "set_id", "positive", "negative", "negative_kind"), []
    for kind, number in kinds.sort("len", "negative_kind", descending=[True, False]).iter_rows():
        told = _told(collected(texts.filter(negative_kind=kind).sort("pair_id").head(_MOST)))
        free = kind == "toxic" or told["form"] is None
        warns = None if free else max(told["form"], told["form_in_pairs"]) > MAX_AUC
        rows.append({"negative_kind": kind, "pairs": number, **told, "warns": warns})
    return rows


def form(text: str) -> list[float]:
    """The `FEATURES` of `text`, in their order."""
    words, core = _WORD.findall(text), text.strip(_AROUND)
    return [
        *(float(np.log1p(len(re.findall(pattern, text)))) for pattern in _COUNTS.values()),
        *(len(re.findall(pattern, text)) / max(1, len(text)) for pattern in _SHARES.values()),
        *map(float, (core[:1].isupper(), core[-1:] == ".", core[-1:] in {"!", "?"}, core[-1:].isalnum())),
        sum(map(len, words)) / max(1, len(words)),
    ]


def _told(pairs: pl.DataFrame) -> dict[str, Any]:
    if pairs.height < FEWEST or pairs["set_id"].n_unique() < _FOLDS:
        return {"form": None, "form_in_pairs": None, "words": None, "listed": None, "telling": []}
    texts = pairs["positive"].to_list() + pairs["negative"].to_list()
    positive = np.repeat([1, 0], pairs.height)
    sets = np.tile(pairs["set_id"].to_numpy(), 2)
    features = np.array([form(text) for text in texts])
    more = features[: pairs.height] - features[pairs.height :]
    by_form = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000))
    by_words = LogisticRegression(max_iter=1_000)
    by_difference = make_pipeline(  # no centre and no intercept: two sides of one form score exactly 0
        StandardScaler(with_mean=False), LogisticRegression(max_iter=1_000, fit_intercept=False)
    )
    margin = _out_of_fold(by_difference, np.concatenate([more, -more]), positive, sets)[: pairs.height]
    alone = {name: _share_over(column) for name, column in zip(FEATURES, more.T, strict=True)}
    telling = sorted(alone, key=lambda name: (-abs(alone[name] - 0.5), name))[:3]
    listed = [len(lexicon_spans(text, plain=True)) for text in texts]
    counted = CountVectorizer(token_pattern=_WORD.pattern, binary=True)  # once: a word of no training text weighs 0
    written = any(_WORD.search(text) for text in texts)
    return {
        "form": _rounded(roc_auc_score(positive, _out_of_fold(by_form, features, positive, sets))),
        "form_in_pairs": _share_over(margin),
        "words": _rounded(roc_auc_score(positive, _out_of_fold(by_words, counted.fit_transform(texts), positive, sets)))
        if written
        else None,
        "listed": _share_over(np.subtract(listed[pairs.height :], listed[: pairs.height])),
        "telling": [{"feature": name, "share": alone[name]} for name in telling if alone[name] != 0.5],
    }


def _out_of_fold(model: Any, texts: Any, positive: Any, sets: Any) -> Any:
    """The decision of `model` on each text, fitted on the sets of the other folds."""
    return cross_val_predict(model, texts, positive, groups=sets, cv=GroupKFold(_FOLDS), method="decision_function")


def _share_over(margins: Any) -> float:
    """The share of `margins` over 0, and half of those at 0."""
    return _rounded(np.mean((margins > 0) + 0.5 * (margins == 0)))


def _rounded(number: Any) -> float:
    return round(float(number), 3)
