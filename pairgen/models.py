"""What the pipeline asks of a model: one small Protocol each, and the specs that name them. `loading.py` loads them."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

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
        """A row a text, shape (n, d), of length 1: a dot product is a cosine. Of no text (0, 0)."""
        ...


class Continuation(NamedTuple):
    """What was sampled after a prompt, white space as it came, and the mean probability of its tokens."""

    text: str
    probability: float


class LanguageModel(Protocol):
    """Likelihood under a causal language model, and what it says by itself."""

    fingerprint: str

    def nll(self, texts: Sequence[str]) -> Floats:
        """Mean negative log-likelihood a token, shape (n,), in nats; NaN for a text without tokens."""
        ...

    def continuations(
        self, prompts: Sequence[str], *, seeds: Sequence[str], k: int, tokens: int, width: int = 64
    ) -> list[list[Continuation]]:
        """`k` continuations of each prompt, of at most `tokens` tokens, sampled with top-p .8; a seed for each prompt.

        They depend on prompt, seed, width and model alone. Of a long prompt the last `width` - 1 tokens count.
        """
        ...


class Filler(Protocol):
    """A masked language model: what may stand in a gap."""

    fingerprint: str

    def fills(self, gaps: Sequence[tuple[str, str]], *, k: int) -> list[list[str]]:
        """What may stand between what is left and right of each gap, without the spaces around it.

        Of one, two and three tokens the `k` likeliest each (by the product of the probabilities that one pass gives
        each mask), those of one token first.
        """
        ...


class Translator(Protocol):
    """Two translation models: into another language, and back."""

    fingerprint: str

    def round_trip(self, texts: Sequence[str]) -> list[str | None]:
        """Each text translated there and back; None where it has over 128 tokens on the way, or nothing came back."""
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
    @property
    def filler(self) -> Filler | None: ...
    @property
    def translator(self) -> Translator | None: ...


class ModelSpecs(BaseModel):
    """The `[models]` section of a recipe: which model does what. Specs are strings such as `detoxify:unbiased`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    toxicity: str
    judge: str
    embedder: str
    language: str
    parser: str
    nli: str | None = None
    filler: str | None = None
    translator: tuple[str, str] | None = None  # into another language, and back
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
