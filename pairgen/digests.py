"""Normalised text, the digests that serve as ids, and random draws that depend on nothing but a digest.

Ids are the same in every build and on every machine. A draw is taken from the digest of the text that it concerns,
so that one more comment in the corpus changes nothing about the others.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


def normalise(text: str) -> str:
    """`text` in NFKC, case-folded, with runs of white space made one space: what makes two texts the same."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def digest(*parts: str) -> str:
    """32 hexadecimal characters (128 bits of blake2b) that stand for `parts`, in order."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        state.update(len(encoded).to_bytes(8, "little"))
        state.update(encoded)
    return state.hexdigest()


def fraction(*parts: str) -> float:
    """A number in [0, 1) drawn from the digest of `parts`, evenly."""
    return int(digest(*parts)[:13], 16) / 16**13


def pick(choices: Sequence[_T], *parts: str) -> _T:
    """One of `choices`, drawn from the digest of `parts`; an empty `choices` is an IndexError."""
    return choices[int(fraction(*parts) * len(choices))]
