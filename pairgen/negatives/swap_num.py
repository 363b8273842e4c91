"""`swap_num`: one number, date, amount or percentage changed to another plausible one of the same form."""

import re
from typing import Any

from pairgen.digests import fraction, pick
from pairgen.extraction import NUMBER_WORDS, Mention, numbers
from pairgen.negatives.change import Negative, Replacement, article_fits, case_like, change

_PARTS = re.compile(r"(?P<before>[$£€]?)(?P<digits>\d+(?:[.,:/]\d+)*)(?P<after>.*)", re.DOTALL)
_ORDINALS = {"1": "st", "2": "nd", "3": "rd"}
_FACTORS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.4, 1.5, 1.7, 2.0, 2.5)
_TRIES = 12
_LABELLED = re.compile(  # what stands before the number of a page, a section, a step, a user ("User:129")
    r"(?:\b(?:pp?|pages?|vol(?:ume)?|chapters?|sections?|paragraphs?|fig(?:ure)?s?|tables?|version|step|part)\.?|\bno\.|§)"
    r"[ \t]*$|[^\W\d]:$",
    re.IGNORECASE,
)
_OPENS, _CLOSES = re.compile(r"[(\[]$"), re.compile(r"[)\]]")  # "(4)"
_ITEM = re.compile(r"(?:\.\d|[.)]\s|\s*$)", re.MULTILINE)  # behind a number that opens a line: "8.1 Names", "4) Names"
_SIGNED = re.compile(r"[^.!?\n]{0,40}\bUTC\b")
_NAMES = {"9/11", "911", "24/7", "50/50", "101", "404", "420"}


def swap_num(doc: Any, context: Any, *, seed: str) -> Negative | None:
    """The text of `doc` with one number changed, at all its places; None where it has none that can be.

    Digits, separators, decimals, signs of money and the ending stay ("$4,200" may become "$4,700", never "$12"); a
    number over one stays over one, so that what it counts stays plural. Every draw is made from `seed`.
    """
    found = [mention for mention in numbers(doc.text) if _is_claim(doc.text, mention)]
    taken = {mention.text.casefold() for mention in found}
    for mention in sorted(found, key=lambda mention: fraction(seed, "order", mention.text.casefold())):
        places = [other for other in found if other.text == mention.text]
        for attempt in range(_TRIES):
            new = _other(mention.text, f"{seed} {attempt}")
            if new and new.casefold() not in taken and all(article_fits(doc.text, at.start, new) for at in places):
                return change(doc.text, [Replacement(at.start, at.end, new) for at in places])
    return None


def _is_claim(text: str, mention: Mention) -> bool:
    """Whether a number says how many, how much or when.

    It is none as part of an address, a range, a signature or a name such as 9/11, and none as a label: of a page, a
    section, an item of a list.
    """
    before, after = text[: mention.start], text[mention.end :]
    line = before.rpartition("\n")[2]
    enclosed = _OPENS.search(before) and _CLOSES.match(after)
    if _LABELLED.search(before) or _SIGNED.match(after) or enclosed or (not line.strip() and _ITEM.match(after)):
        return False
    word = text[text.rfind(" ", 0, mention.start) + 1 :].split(maxsplit=1)[0]
    joined = text[max(0, mention.start - 1) : mention.start] + text[mention.end : mention.end + 1]
    return not (re.search(r"://|www\.|=|@", word) or set(joined) & set("-–_#") or mention.text in _NAMES)


def _other(number: str, seed: str) -> str | None:
    """Another number of the form of `number`, or None where its form is not known."""
    if number.casefold() in NUMBER_WORDS:
        return _other_word(number, seed)
    parts = _PARTS.fullmatch(number)
    new = _other_digits(parts["digits"], seed) if parts else None
    if parts is None or new is None:
        return None
    after = parts["after"]
    if after.lower() in {"st", "nd", "rd", "th"}:
        after = "th" if new[-2:] in {"11", "12", "13"} else _ORDINALS.get(new[-1], "th")
    return f"{parts['before']}{new}{after}"


def _other_digits(digits: str, seed: str) -> str | None:
    if found := re.fullmatch(r"(\d{1,2}):\d\d", digits):  # a time of day
        hour, width = int(found.group(1)), len(found.group(1))
        hours = range(1, 13) if hour <= 12 else range(13, 24)
        other = pick([each for each in hours if each != hour and len(str(each)) == len(str(hour))], seed, "hour")
        return f"{other:0{width}d}:{int(fraction(seed, 'minute') * 12) * 5:02d}"
    if re.fullmatch(r"\d{1,2}(?:/\d{1,4})+", digits):  # a date, or a fraction
        first, *rest = digits.split("/")
        return "/".join([str(pick([other for other in range(1, 13) if other != int(first)], seed)), *rest])
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+", digits):
        return f"{_near(int(digits.replace(',', '')), seed):,}"
    if found := re.fullmatch(r"(\d+)\.(\d+)", digits):
        decimals = len(found.group(2))
        scaled = str(_near(int(digits.replace(".", "")), seed)).zfill(decimals + 1)
        return f"{scaled[:-decimals]}.{scaled[-decimals:]}"
    if re.fullmatch(r"1\d\d\d|20\d\d", digits):  # as good as always a year
        return str(int(digits) + pick((-9, -7, -6, -4, -3, -2, 2, 3, 4, 6), seed))
    if re.fullmatch(r"[1-9]\d{1,14}|[2-9]", digits):
        return str(_near(int(digits), seed))
    return None


def _near(number: int, seed: str) -> int:
    """Another number of as many digits and end zeros, at most 2.5 times as large; `number` where there is none."""
    low, high = 10 ** (len(str(number)) - 1), 10 ** len(str(number)) - 1
    if number <= 12:
        near = list(range(max(2, low), min(high, 19) + 1))
    else:
        step = 10 ** (len(str(number)) - len(str(number).rstrip("0")))
        near = [round(number * factor / step) * step for factor in _FACTORS]
    fitting = [other for other in near if low <= other <= high and other != number]
    return pick(fitting, seed) if fitting else number


def _other_word(word: str, seed: str) -> str:
    """A number word near `word`: of two to eleven, twelve to nineteen, the tens, or the powers of ten."""
    groups = (NUMBER_WORDS[1:11], NUMBER_WORDS[11:19], NUMBER_WORDS[19:27], NUMBER_WORDS[27:])
    group = next((group for group in groups if word.casefold() in group), NUMBER_WORDS[1:11])
    other = pick([choice for choice in group if choice != word.casefold()], seed)
    return other.capitalize() if word.istitle() else case_like(other, word)
