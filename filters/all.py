"""Every filter that a recipe may name: this union is the registry."""

from typing import Annotated

from pydantic import Field

from filters.copy import Copy
from filters.entities_kept import EntitiesKept
from filters.length_ratio import LengthRatio
from filters.near_duplicate import NearDuplicate
from filters.numbers_kept import NumbersKept
from filters.refusal import Refusal
from filters.similarity import Similarity
from filters.toxicity import Judge, Toxicity

AnyFilter = Annotated[
    Toxicity | Judge | Similarity | Copy | NumbersKept | EntitiesKept | Refusal | LengthRatio | NearDuplicate,
    Field(discriminator="kind"),
]
