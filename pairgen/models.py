"""What the pipeline asks of a model: one small Protocol each, and the specs that name them. `loading.py` loads them."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]


class ToxicityModel(Protocol):
    """How toxic a text is, from 0 to 1."""

    fingerprint: str

    def toxicity(self, texts: Sequence[str]) -> Floats:
        """A score a text, shape (n,), in 0-1, higher is more toxic; a text that cannot be scored is NaN, never 0."""
        ...


class Embedder(Protocol):
    """Sentence embeddings."""

    fingerprint: str

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row a text, shape (n, d), of length 1: a dot product is a cosine."""
        ...


class LanguageModel(Protocol):
    """Likelihood under a causal language model."""

    fingerprint: str

    def nll(self, texts: Sequence[str]) -> Floats:
        """Mean negative log-likelihood a token, shape (n,), in nats; NaN for a text without tokens."""
        ...


class Parser(Protocol):
    """Tokens, parts of speech, dependencies and named entities, as spaCy documents."""

    fingerprint: str

    def parse(self, texts: Sequence[str]) -> list[Any]:
        """A `spacy.tokens.Doc` a text, in order."""
        ...


class InferenceModel(Protocol):
    """Natural language inference: what follows from a text."""

    fingerprint: str

    def entailment(self, premises: Sequence[str], hypotheses: Sequence[str]) -> Floats:
        """The probability that each premise entails its hypothesis, shape (n,), in 0-1."""
        ...


class Models(Protocol):
    """The models of one recipe; each is loaded when it is first asked for."""

    @property
    def toxicity(self) -> ToxicityModel: ...
    @property
    def judge(self) -> ToxicityModel: ...
    @property
    def embedder(self) -> Embedder: ...
    @property
    def language(self) -> LanguageModel: ...
    @property
    def parser(self) -> Parser: ...
    @property
    def nli(self) -> InferenceModel: ...


class ModelSpecs(BaseModel):
    """The `[models]` section of a recipe: which model does what. Specs are strings such as `detoxify:unbiased`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    toxicity: str
    judge: str
    embedder: str
    language: str
    parser: str
    nli: str | None = None
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
