"""`swap_num`: one number, date, amount or percentage changed to another plausible one of the same form."""

import math
import re
from typing import Any

from pairgen.digests import fraction, pick
from pairgen.extraction import NUMBER_WORDS, Mention, numbers
from pairgen.negatives.change import Negative, Replacement, article_fits, case_like, change

_PARTS = re.compile(r"(?P<before>[$£€]?)(?P<digits>\d+(?:[.,:/]\d+)*)(?P<after>.*)", re.DOTALL)
_ORDINALS = {"1": "st", "2": "nd", "3": "rd"}
_FACTORS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.4, 1.5, 1.7, 2.0, 2.5, 3.0, 5.0)
_TRIES = 12
_COMMON = [  # small numbers, as often as people write them: drawn evenly, the rare ones tell the negative
    number for number, often in enumerate((8, 6, 4, 4, 2, 1, 2, 1, 3, 1), start=2) for _ in range(often)
]
_LABELLED = re.compile(  # what stands before the number of a page, a section, a step, a model, a user ("User:129")
    r"(?:\b(?:pp?|pages?|vol(?:ume)?|chapters?|sections?|paragraphs?|fig(?:ure)?s?|tables?|version|step|part|items?|"
    r"articles?|rules?|verses?|amendment|highway|route|room|channel)\.?|\bno\.|§|\b(?-i:[A-Z]{2,5}))[ \t]*$|"
    r"[^\W\d]:$|\d:\d\d, $",
    re.IGNORECASE,
)
_OPENS, _CLOSES = re.compile(r"[(\[]$"), re.compile(r"[)\]]")  # "(4)"
_ITEM = re.compile(r"(?:\.\d|[.)]\s|\s*$)", re.MULTILINE)  # behind a number that opens a line: "8.1 Names", "4) Names"
_ITEM_INSIDE = re.compile(r"\)\s|\.\s+[a-z]")  # "and 3) left", ", 2. left"
_SIGNED = re.compile(r"[^.!?\n]{0,40}\bUTC\b")
_NAMES = {"9/11", "911", "24/7", "50/50", "101", "404", "420"}
_RANGE = re.compile(
    r"(?<![\w.,/–-])(?:(?<!between )(\d+)(?:\s?[-–]\s?| to )|(?<=between )(\d+) and )(\d+)(?=%?\s+[a-z])", re.IGNORECASE
)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH = rf"\b({'|'.join(_MONTHS)})[a-z]*\b"
_MONTH_BEFORE = re.compile(rf"{_MONTH}\.?,?\s+(?:the\s+)?$", re.IGNORECASE)
_MONTH_AFTER = re.compile(rf"\s+(?:of\s+)?{_MONTH}", re.IGNORECASE)
_HALF_DAY = re.compile(r"\s?(?:[ap]\.?m\b|o['’]?clock\b)", re.IGNORECASE)
_TIME_BEFORE = re.compile(r"\b(?:about|after|around|at|before|by|from|since|till?|to|until)\s+$", re.IGNORECASE)
_CENTURY = re.compile(r"[\s-]+centur(?:y|ies)\b", re.IGNORECASE)
_YEAR = re.compile(r"1\d\d\d|20\d\d")
_DATE_BEFORE = re.compile(rf"{_MONTH}\.?(?:\s+\d{{1,2}}(?:st|nd|rd|th)?)?,?\s+$", re.IGNORECASE)
_YEAR_BEFORE = re.compile(
    r"(?:\b(?:in|since|of|by|until|till|from|before|after|during|year|early|late|circa)\s+|\()$", re.IGNORECASE
)


def swap_num(doc: Any, context: Any, *, seed: str) -> Negative | None:
    """The text of `doc` with one number changed, at all its places; None where it has none that can be.

    Digits, separators, decimals, signs of money and the ending stay ("$4,200" may become "$4,700", never "$12"); a
    number over one stays over one, so that what it counts stays plural. Days stay in their month, hours in their half
    of the day, decades decades, and of a range the lower end stays the lower. Every draw is made from `seed`.
    """
    found = [mention for mention in numbers(doc.text) if _is_claim(doc.text, mention)]
    taken = {mention.text.casefold() for mention in found}
    for mention in sorted(found, key=lambda mention: fraction(seed, "order", mention.text.casefold())):
        places = [other for other in found if other.text == mention.text]
        limits = [_limits(doc.text, place) for place in places]
        low, high = max(low for low, _ in limits), min(high for _, high in limits)
        for attempt in range(_TRIES):
            new = _other(doc.text, mention, low, high, f"{seed} {attempt}")
            if new and new.casefold() not in taken and all(article_fits(doc.text, at.start, new) for at in places):
                return change(doc.text, [Replacement(at.start, at.end, new) for at in places])
    return None


def _is_claim(text: str, mention: Mention) -> bool:
    """Whether a number says how many, how much or when.

    It is none as part of an address, a signature or a name such as 9/11, and none as a label: of a page, a section, a
    verse, an item of a list.
    """
    found = _range_at(text, mention)
    before, after = text[: found.start() if found else mention.start], text[mention.end :]
    line = before.rpartition("\n")[2]
    enclosed = _OPENS.search(before) and _CLOSES.match(after)
    if _LABELLED.search(before) or _SIGNED.match(after) or enclosed:
        return False
    opens = not line.strip() or re.search(r"[.!?:;]\s+$", before)
    if _ITEM_INSIDE.match(after) or (opens and _ITEM.match(after)):
        return False
    if ":" in mention.text and not (_HALF_DAY.match(after) or _TIME_BEFORE.search(before)):
        return False
    word = text[text.rfind(" ", 0, mention.start) + 1 :].split(maxsplit=1)[0]
    joined = text[max(0, mention.start - 1) : mention.start] + text[mention.end : mention.end + 1]
    part = set(joined) & (set("_#") if found else set("-–_#"))
    return not (re.search(r"://|www\.|=|@", word) or part or mention.text in _NAMES)


def _range_at(text: str, mention: Mention) -> re.Match[str] | None:
    """The range, lower end first, of which `mention` is an end: "3-5 years", "3 to 5 of", "between 3 and 5 days"."""
    return next(
        (
            found
            for found in _RANGE.finditer(text)
            if mention.start in (found.start(), found.start(3)) and int(found[1] or found[2]) < int(found[3])
        ),
        None,
    )


def _limits(text: str, mention: Mention) -> tuple[int, float]:
    """The least and the most that the number at `mention` can be where it stands."""
    before, after = text[: mention.start], text[mention.end :]
    digits = re.match(r"\d+", mention.text)
    number = int(digits.group()) if digits else 0
    month = _MONTH_BEFORE.search(before) or _MONTH_AFTER.match(after)
    if month and number <= 31:
        return 1, _DAYS[_MONTHS.index(month[1].lower())]
    if number <= 12 and (_HALF_DAY.match(after) or re.search("[ap]m$", mention.text, re.IGNORECASE)):
        return 1, 12
    if _CENTURY.match(after):
        return 1, 21
    if found := _range_at(text, mention):
        low, high = int(found[1] or found[2]), int(found[3])
        return (0, high - 1) if mention.start == found.start() else (low + 1, math.inf)
    return 0, math.inf


def _other(text: str, mention: Mention, low: int, high: float, seed: str) -> str | None:
    """Another number from `low` to `high` of the form of `mention`, or None where its form is not known."""
    if mention.text.casefold() in NUMBER_WORDS:
        return _other_word(mention.text, seed)
    parts = _PARTS.fullmatch(mention.text)
    if parts is None:
        return None
    digits, after = parts["digits"], parts["after"]
    if after.lower() == "s" or re.match(r"['’]s\b", text[mention.end :]):
        new = _other_decade(digits, seed)
    elif _YEAR.fullmatch(digits) and not after and not parts["before"] and _is_year(text, mention):
        years = [int(digits) + step for step in range(-9, 7) if step and low <= int(digits) + step <= high]
        new = str(pick(years, seed)) if years else None
    else:
        new = _other_digits(digits, low, high, seed)
    if new is None:
        return None
    if after.lower() in {"st", "nd", "rd", "th"}:
        after = "th" if new[-2:] in {"11", "12", "13"} else _ORDINALS.get(new[-1], "th")
    return f"{parts['before']}{new}{after}"


def _is_year(text: str, mention: Mention) -> bool:
    """Hundreds are years where a word, a month or the other end of a range says so: "in 1900", but "1000 times"."""
    found = _range_at(text, mention)
    ends = (mention.text, *(found.groups() if found else ()))
    if any(end and _YEAR.fullmatch(end) and not end.endswith("00") for end in ends):
        return True
    before = text[: mention.start]
    return bool(_YEAR_BEFORE.search(before) or _DATE_BEFORE.search(before))


def _other_decade(digits: str, seed: str) -> str | None:
    """Another decade: "80" of "80s" becomes "60", "1990" of "1990s" "1970"; None where it is none ("10s", "747s")."""
    decade = re.fullmatch(r"(1[6-9]|20|)([1-9]0|00)", digits)
    if decade is None or digits == "10":
        return None
    decades = [f"{tens}0" for tens in range(2, 10)] if decade[1] != "20" else ["00", "10"]
    others = [tens for tens in decades if tens != decade[2]]
    return decade[1] + pick(others, seed)


def _other_digits(digits: str, low: int, high: float, seed: str) -> str | None:
    if found := re.fullmatch(r"(\d{1,2})(:\d\d)", digits):  # a time of day
        hour, width = int(found.group(1)), len(found.group(1))
        hours = range(1, 13) if hour <= 12 else range(13, 24)
        other = pick([each for each in hours if each != hour and len(str(each)) == len(str(hour))], seed, "hour")
        return f"{other:0{width}d}:{int(fraction(seed, 'minute') * 12) * 5:02d}"
    if re.fullmatch(r"\d{1,2}(?:/\d{1,4})+", digits):
        return _other_date(digits, seed)
    if re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", digits):
        return f"{_near(int(digits.replace(',', '')), low, high, seed):,}"
    if found := re.fullmatch(r"(\d+)\.(\d+)", digits):
        decimals = len(found.group(2))
        scaled = str(_near(int(digits.replace(".", "")), 0, math.inf, seed)).zfill(decimals + 1)
        return f"{scaled[:-decimals]}.{scaled[-decimals:]}"
    if re.fullmatch(r"[1-9]\d{1,14}|[2-9]", digits) or (digits == "1" and high <= 31):
        return str(_near(int(digits), low, high, seed))
    return None


def _other_date(digits: str, seed: str) -> str | None:
    """A fraction under one with another numerator, or a date with another month (the day first: another day)."""
    first, second, *rest = map(int, digits.split("/"))
    if not rest and first < second and (second <= 10 or second > 31):
        others = [other for other in range(1, min(second, 12)) if math.gcd(other, second) == 1]
    elif first <= 12 and 1 <= second <= 31:
        others = [month for month in range(1, 13) if second <= _DAYS[month - 1]]
    elif first <= 31 and 1 <= second <= 12:
        others = list(range(1, _DAYS[second - 1] + 1))
    else:
        others = []
    place, width = digits.index("/"), len(str(first))
    others = [other for other in others if other != first and (len(str(other)) == width or digits[0] != "0")]
    return f"{pick(others, seed):0{place}d}{digits[place:]}" if others else None


def _near(number: int, low: int, high: float, seed: str) -> int:
    """Another number from `low` to `high`, of as many digits and end zeros; `number` where there is none.

    It is at most five times as large, and a multiple of five where `number` is: people count in round numbers.
    """
    width = len(str(number))
    least, most = max(low, 2, 10 ** (width - 1)), min(high, 10**width - 1)
    zeros = width - len(str(number).rstrip("0"))
    if high <= 31:
        near = list(range(least, int(most) + 1))
    elif number < 10:
        near = [other for other in _COMMON if other < 10]
    else:
        step = 10**zeros if zeros or number % 5 else 5
        near = [round(number * factor / step) * step for factor in _FACTORS]
        near = [other for other in near if other % 10 ** (zeros + 1)]
    fitting = [other for other in near if least <= other <= most and other != number]
    return pick(fitting, seed) if fitting else number


def _other_word(word: str, seed: str) -> str | None:
    """A number word near `word`: of two to eleven, twelve to nineteen, the tens, the powers of ten; None for zero."""
    groups = (
        [NUMBER_WORDS[each - 1] for each in _COMMON],
        *(NUMBER_WORDS[a:b] for a, b in ((11, 19), (19, 27), (27, 31))),
    )
    group = next((group for group in groups if word.casefold() in group), [])
    others = [choice for choice in group if choice != word.casefold()]
    if not others:
        return None
    other = pick(others, seed)
    return other.capitalize() if word.istitle() else case_like(other, word)
