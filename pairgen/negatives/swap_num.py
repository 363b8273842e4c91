"""`swap_num`: one number, date, amount or percentage changed to another plausible one of the same form."""

import re
from typing import Any

from pairgen.digests import fraction, pick
from pairgen.extraction import NUMBER_WORDS, numbers
from pairgen.negatives.change import Negative, Replacement, article_fits, case_like, change

_PARTS = re.compile(r"(?P<before>[$£€]?)(?P<digits>\d+(?:[.,:/]\d+)*)(?P<after>.*)", re.DOTALL)
_ORDINALS = {"1": "st", "2": "nd", "3": "rd"}
_TRIES = 12


def swap_num(doc: Any, context: Any, *, seed: str) -> Negative | None:
    """The text of `doc` with one number changed, at all its places; None where it has none that can be.

    Digits, separators, decimals, signs of money and the ending stay ("$4,200" may become "$4,700", never "$12"); a number
    over one stays over one, so that what it counts stays plural. Every draw is made from `seed`.
    """
    found = numbers(doc.text)
    for mention in sorted(found, key=lambda mention: fraction(seed, "order", mention.text.casefold())):
        places = [other for other in found if other.text == mention.text]
        taken = {other.text.casefold() for other in found}
        for attempt in range(_TRIES):
            new = _other(mention.text, f"{seed} {attempt}")
            if new and new.casefold() not in taken and all(article_fits(doc.text, at.start, new) for at in places):
                return change(doc.text, [Replacement(at.start, at.end, new) for at in places])
    return None


def _other(number: str, seed: str) -> str | None:
    if number.casefold() in NUMBER_WORDS:
        return _other_word(number, seed)
    parts = _PARTS.fullmatch(number)
    if parts is None:
        return None
    digits, after = parts["digits"], parts["after"]
    pieces = re.split(r"([.,:/])", digits)
    if ":" in digits and len(pieces) == 3:  # a time of day
        new = f"{(int(pieces[0]) + 1 + int(fraction(seed, 'hour') * 4) - 1) % 12 + 1}:{int(fraction(seed, 'minute') * 12) * 5:02d}"
    elif "/" in digits:
        new = "/".join(str(_near(int(piece), f"{seed} {place}", top=12)) for place, piece in enumerate(pieces[::2]))
    elif re.fullmatch(r"\d{1,3}(?:,\d{3})+", digits):
        new = f"{_near(int(digits.replace(',', '')), seed):,}"
    elif re.fullmatch(r"\d+\.\d+", digits):
        scaled = str(_near(int(digits.replace(".", "")), seed)).zfill(len(digits) - 1)
        new = f"{scaled[: -len(pieces[2])] or '0'}.{scaled[-len(pieces[2]) :]}"
    elif digits.isdigit() and len(digits) <= 15 and (digits == "0" or digits[0] != "0"):
        new = str(
            _year(int(digits), seed) if 1900 <= int(digits) <= 2099 and len(digits) == 4 else _near(int(digits), seed)
        )
    else:
        return None
    if after.lower() in {"st", "nd", "rd", "th"}:
        after = "th" if new[-2:] in {"11", "12", "13"} else _ORDINALS.get(new[-1], "th")
    return f"{parts['before']}{new}{after}"


def _year(year: int, seed: str) -> int:
    return year + pick((-9, -7, -6, -4, -3, -2, 2, 3, 4, 6), seed)


def _near(number: int, seed: str, *, top: int | None = None) -> int:
    """Another number of as many digits, a tenth to nine tenths away, with as many zeros at its end; over 1 if it was."""
    if number < 2:
        return 1 - number if number == 1 else pick((2, 3, 4), seed)
    if number <= 12:
        return pick(
            [
                other
                for other in range(2, 10 if number < 10 else 20)
                if other != number and len(str(other)) == len(str(number))
            ]
            if top is None
            else [other for other in range(1, top + 1) if other != number],
            seed,
        )
    zeros = len(str(number)) - len(str(number).rstrip("0"))
    step = 10**zeros
    low, high = 10 ** (len(str(number)) - 1), 10 ** len(str(number)) - 1
    factors = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.4, 1.5, 1.7, 2.0, 2.5]
    near = [round(number * factor / step) * step for factor in factors]
    fitting = [other for other in near if low <= other <= high and other != number]
    return pick(fitting, seed) if fitting else number


def _other_word(word: str, seed: str) -> str:
    groups = [NUMBER_WORDS[1:11], NUMBER_WORDS[11:19], NUMBER_WORDS[19:27], NUMBER_WORDS[27:]]
    group = next((group for group in groups if word.casefold() in group), NUMBER_WORDS[1:11])
    other = pick([choice for choice in group if choice != word.casefold()], seed)
    return other.capitalize() if word[0].isupper() and not word.isupper() else case_like(other, word)
