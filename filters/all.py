"""Every filter that a recipe may name: this union is the registry."""

from typing import Annotated

from pydantic import Field

from filters.contamination import Contamination
from filters.copy import Copy
from filters.entities_kept import EntitiesKept
from filters.fluency import Fluency
from filters.identity_only import IdentityOnly
from filters.language import Language
from filters.length_ratio import LengthRatio
from filters.near_duplicate import NearDuplicate
from filters.negation_kept import NegationKept
from filters.nli import Nli, NliNegative
from filters.numbers_kept import NumbersKept
from filters.preamble import Preamble
from filters.refusal import Refusal
from filters.roles_kept import RolesKept
from filters.similarity import Similarity
from filters.toxicity import Judge, Toxicity
from filters.truncation import Truncation

AnyFilter = Annotated[
    Toxicity
    | Judge
    | IdentityOnly
    | Similarity
    | Copy
    | NumbersKept
    | EntitiesKept
    | NegationKept
    | RolesKept
    | Refusal
    | Preamble
    | Truncation
    | Language
    | LengthRatio
    | Fluency
    | Nli
    | NliNegative
    | Contamination
    | NearDuplicate,
    Field(discriminator="kind"),
]
