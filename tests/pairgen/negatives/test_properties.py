"""What every negative must hold to, on all clean texts of the demo corpus."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from pairgen.corpus import SourceSettings, read_source
from pairgen.digests import digest
from pairgen.extraction import entities, numbers
from pairgen.loading import LoadedModels, load_models
from pairgen.models import Parser
from pairgen.negatives.change import Negative, Replacement, article_fits, case_like, change
from pairgen.negatives.generated import generated
from pairgen.negatives.negation import negation
from pairgen.negatives.swap_ent import _lists, swap_ent
from pairgen.negatives.swap_num import swap_num
from pairgen.negatives.swap_roles import swap_roles
from pairgen.rewriting.locate import lexicon_spans
from tests.pairgen.samples import EMBEDDED

Maker = Callable[..., Negative | None]
ARTICLE = re.compile(r"\b(an?)\s+(\w+)", re.IGNORECASE)
VOWEL = re.compile(r"[aeio]|8|1[18]\b", re.IGNORECASE)


class Positive(NamedTuple):
    doc: Any
    context: Any
    seed: str


@pytest.fixture(scope="module")
def positives(parser: Parser) -> list[Positive]:
    table = read_source("package:demo", SourceSettings())[0]
    clean = table.filter([not lexicon_spans(text) for text in table["text"]])
    assert clean.height > 200
    docs, contexts = parser.parse(clean["text"].to_list()), parser.parse(clean["context"].to_list())
    return [Positive(*row) for row in zip(docs, contexts, clean["text_id"], strict=True)]


def made(maker: Maker, positives: list[Positive]) -> list[tuple[Positive, Negative]]:
    """What `maker` makes of `positives`; of the rare roles by four draws each."""
    if maker is swap_roles:
        positives = [one._replace(seed=digest(one.seed, str(draw))) for one in positives for draw in range(4)]
    found = [(positive, maker(positive.doc, positive.context, seed=positive.seed)) for positive in positives]
    kept = [(positive, negative) for positive, negative in found if negative is not None]
    assert len(kept) > (5 if maker is swap_roles else 50)
    return kept


def pieces(negative: Negative) -> list[str]:
    return [negative.text[span["start"] : span["end"]] for span in negative.spans]


def shape(number: str) -> str:
    """Digits as 9, so that what stands around them and between them shows; the ending of an ordinal as th."""
    return re.sub(r"9(?:st|nd|rd|th)$", "9th", re.sub(r"\d", "9", number))


@pytest.mark.parametrize("maker", [swap_ent, swap_num, negation, swap_roles])
def test_only_the_spans_differ_from_the_positive(maker: Maker, positives: list[Positive]) -> None:
    for positive, negative in made(maker, positives):
        only_the_spans_differ(positive.doc.text, negative)


def only_the_spans_differ(original: str, negative: Negative) -> None:
    text, at, start = negative.text, 0, 0
    assert text != original
    assert negative.spans
    for span in negative.spans:  # what stands between the spans is found in the positive, in order
        assert 0 <= start <= span["start"] < span["end"] <= len(text)
        between = text[start : span["start"]]
        place = original.find(between, at)
        assert place == 0 if start == 0 and between else place >= at
        at, start = place + len(between), span["end"]
    assert original[at:].endswith(text[start:])


# Of each kind texts of which some have a gap that is filled; regen_rel is filled as regen_ent.
ASKED = {"mask_ent": slice(30, 40), "mask_rel": slice(50, 60), "regen_ent": slice(12), "sys_lowcon": slice(4)}


def asked_of(kind: str, positives: list[Positive]) -> list[Positive]:
    return [positive for positive in positives if positive.context.text or kind != "sys_lowcon"][ASKED[kind]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ASKED)
def test_what_a_model_makes(kind: str, positives: list[Positive], models: LoadedModels) -> None:
    asked = asked_of(kind, positives)

    found = generated(kind, asked, min_toxicity=0.7, models=models)

    kept = [(one.doc.text, negative) for one, negative in zip(asked, found, strict=True) if negative]
    assert len(kept) > 1
    for text, negative in kept:
        only_the_spans_differ(text, negative)
        assert negative.text.count("  ") <= text.count("  ")
        assert not lexicon_spans(negative.text)
        if kind.startswith("mask"):
            assert len(set(pieces(negative))) == 1
            assert pieces(negative)[0][0].isupper() == (kind == "mask_ent")
        else:
            assert len(negative.spans) == 1
            assert negative.spans[0]["end"] == len(negative.text)
            assert negative.text[-1] in ".!?"
    scores = models.toxicity.toxicity([negative.text for _, negative in kept])
    assert max(scores) <= 0.3
    assert generated(kind, asked[::-1], min_toxicity=0.7, models=models) == found[::-1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mask_rel", "sys_lowcon"])
def test_what_a_model_makes_does_not_depend_on_the_other_texts(
    kind: str, positives: list[Positive], models: LoadedModels, tmp_path: Path
) -> None:
    asked = asked_of(kind, positives)
    found = generated(kind, asked, min_toxicity=0.7, models=models)
    last = max(place for place, negative in enumerate(found) if negative)
    forgetful = load_models(EMBEDDED, tmp_path / "scores.sqlite")

    assert last > 0
    assert generated(kind, [asked[last]], min_toxicity=0.7, models=forgetful) == [found[last]]


@pytest.mark.parametrize("maker", [swap_ent, swap_num])
def test_the_same_seed_gives_the_same_text_and_another_mostly_another(maker: Maker, positives: list[Positive]) -> None:
    first = made(maker, positives)

    again = made(maker, positives[::-1])[::-1]
    other = [maker(positive.doc, positive.context, seed=digest(positive.seed)) for positive, _ in first]

    assert again == first
    assert sum(map(bool, other)) > (0.9 if maker is swap_ent else 0.999) * len(first)  # a name may draw itself
    assert sum(one != negative for one, (_, negative) in zip(other, first, strict=True)) > len(first) / 2


def test_a_swapped_number_keeps_its_form_and_is_new(positives: list[Positive]) -> None:
    for positive, negative in made(swap_num, positives):
        before = [mention.text for mention in numbers(positive.doc.text)]
        after = [mention.text for mention in numbers(negative.text)]
        new = set(pieces(negative))
        assert len(new) == 1
        assert len(after) == len(before)
        changed = {(old, now) for old, now in zip(before, after, strict=True) if old != now}
        assert len(changed) == 1, changed
        ((old, now),) = changed
        assert now in new
        assert now.casefold() not in {mention.casefold() for mention in before}
        if any(letter.isdigit() for letter in old):
            assert shape(now) == shape(old) or ":" in old or "/" in old, (old, now)
        assert (old.lower() == "1") or now != "1"


def test_swapped_names_are_new_to_the_text(positives: list[Positive]) -> None:
    for positive, negative in made(swap_ent, positives):
        names = {mention.text.casefold() for mention in entities(positive.doc)}
        new = {piece.casefold() for piece in pieces(negative)}
        assert 1 <= len(new) <= 2
        assert not names & new
        assert numbers(negative.text) or not numbers(positive.doc.text)


@pytest.mark.parametrize("maker", [swap_ent, swap_num, negation, swap_roles])
def test_no_space_is_doubled_and_the_first_letter_keeps_its_case(maker: Maker, positives: list[Positive]) -> None:
    for positive, negative in made(maker, positives):
        original = positive.doc.text
        assert negative.text.count("  ") == original.count("  ")
        assert negative.text == negative.text.strip()
        assert negative.text[0].isupper() == original[0].isupper() or not negative.text[0].isalpha()


@pytest.mark.parametrize("maker", [swap_ent, swap_num, negation, swap_roles])
def test_articles_agree(maker: Maker, positives: list[Positive]) -> None:
    for positive, negative in made(maker, positives):
        known = set(ARTICLE.findall(positive.doc.text))
        for article, word in ARTICLE.findall(negative.text):
            if (article, word) not in known:
                assert (article.lower() == "an") == bool(VOWEL.match(word)), (article, word)


def test_one_more_comment_changes_nothing_about_the_others(positives: list[Positive], parser: Parser) -> None:
    some = [positive for positive, _ in made(swap_ent, positives)][:20]
    alone = [swap_ent(parser.parse([positive.doc.text])[0], positive.context, seed=positive.seed) for positive in some]

    assert alone == [swap_ent(positive.doc, positive.context, seed=positive.seed) for positive in some]


@pytest.mark.parametrize("maker", [swap_ent, swap_num])
@pytest.mark.parametrize("text", ["", "damn it, what an idiot", "one of them, f4ce it"])
def test_a_text_with_nothing_to_swap(text: str, maker: Maker, parser: Parser) -> None:
    doc, context = parser.parse([text, ""])

    assert maker(doc, context, seed="s") is None


def test_a_name_of_the_same_label_in_the_context_comes_first(parser: Parser) -> None:
    doc, context = parser.parse(["The idiots flew to Chicago.", "Did they come from Boston?"])

    assert {swap_ent(doc, context, seed=str(seed)).text for seed in range(9)} == {"The idiots flew to Boston."}  # type: ignore[union-attr]


def test_all_places_of_a_name_or_number_change_together(parser: Parser) -> None:
    doc, context = parser.parse(["Chicago is 7 times better; I love Chicago 7 days a week.", ""])

    ent, num = swap_ent(doc, context, seed="s"), swap_num(doc, context, seed="s")

    assert ent is not None
    assert num is not None
    assert len(pieces(ent)) == len(pieces(num)) == 2
    assert len(set(pieces(ent))) == len(set(pieces(num))) == 1
    assert "Chicago" not in ent.text
    assert "7" not in num.text


def test_change_puts_replacements_in_their_places() -> None:
    negative = change("It opens at 9 in May.", [Replacement(17, 20, "June"), Replacement(12, 13, "10")])

    assert negative == Negative("It opens at 10 in June.", [{"start": 12, "end": 14}, {"start": 18, "end": 22}])
    assert change("damn", []) == Negative("damn", [])


@pytest.mark.parametrize(
    ("word", "pattern", "cased"),
    [
        ("Boston", "CHICAGO", "BOSTON"),
        ("Boston", "chicago", "boston"),
        ("Boston", "Chicago", "Boston"),
        ("Asia", "USA", "Asia"),
    ],
)
def test_case(word: str, pattern: str, cased: str) -> None:
    assert case_like(word, pattern) == cased


@pytest.mark.parametrize(
    ("before", "word", "fits"),
    [
        ("an ", "Irish", True),
        ("a ", "Irish", False),
        ("A ", "Polish", True),
        ("an ", "11", True),
        ("a ", "8", False),
        ("the ", "x", True),
        ("", "x", True),
    ],
)
def test_article_fits(before: str, word: str, fits: bool) -> None:
    assert article_fits(f"{before}{word}", len(before), word) == fits


def test_the_demo_has_names_and_numbers_swapped(positives: list[Positive]) -> None:
    counted = pl.DataFrame(
        {
            maker.__name__: [maker(p.doc, p.context, seed=p.seed) is not None for p in positives]
            for maker in (swap_ent, swap_num)
        }
    )
    assert min(counted.sum().row(0)) > 50


@pytest.mark.parametrize(
    "text",
    [
        "See http://a.org/?id=42 for it.",
        "It was 9/11 again.",
        "Call 911 now.",
        "Read pages 39-40 first.",
        "We are #12.",
        "See page 12 of it.",
        "Read section 4 first.",
        "(4) They came back.",
        "They came back (4).",
        "8.1. Names of places",
        "They came.\n4) They left.",
        "I ask User:129 for it.",
        "Thanks. 18:05, 4 May 2007 (UTC)",
    ],
)
def test_a_number_that_says_nothing_is_left(text: str, parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])

    assert swap_num(doc, nothing, seed="a") is None


@pytest.mark.parametrize(
    "text", ["40 hens escaped.", "It rained.\n40 hens escaped.", "The hens, no fewer than 40, fled."]
)
def test_a_number_that_counts_is_changed_wherever_it_stands(text: str, parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])
    negative = swap_num(doc, nothing, seed="a")

    assert negative
    assert "40" not in negative.text


@pytest.mark.parametrize(
    ("text", "form"), [("It left at 13:54.", r"(1[3-9]|2[0-3]):\d\d"), ("Born in 1705.", r"1[67]\d\d")]
)
def test_a_changed_number_stays_plausible(text: str, form: str, parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])
    negatives = [swap_num(doc, nothing, seed=str(seed)) for seed in range(20)]

    assert all(negative and re.fullmatch(form, pieces(negative)[0]) for negative in negatives)


@pytest.mark.parametrize(
    "text",
    [
        "In 2016 PM Modi banned the notes.",
        "It was 1999 am I right?",
        "It came by 1999 o'clock.",
        "Between 2000 and 2001 they won, and between 2001 and 2002 they lost it.",
        "From 2000-2001 they won and from 2001-2002 they lost.",
        "In 1998-1999 it rose and 1999-2000 it fell",
    ],
)
def test_a_year_beside_what_reads_like_a_time_stays_a_year_or_is_left(text: str, parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])
    found = [negative for seed in range(40) if (negative := swap_num(doc, nothing, seed=str(seed)))]

    assert all(re.fullmatch(r"(1\d|20)\d\d", piece) for negative in found for piece in pieces(negative))


@pytest.mark.parametrize("text", ["He was born on Jan 1 2000.", "In 1999-2000 it fell."])
def test_the_year_2000_is_a_year_in_a_date_and_in_a_range(text: str, parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])
    found = [negative for seed in range(40) if (negative := swap_num(doc, nothing, seed=str(seed)))]
    years = [int(piece) for negative in found for piece in pieces(negative) if len(piece) == 4]

    assert years
    assert all(1985 <= year <= 2010 for year in years)


def test_acronyms_and_parts_of_other_names_are_left(parser: Parser) -> None:
    acronym, part, nothing = parser.parse(["It starts at noon UTC.", "Obama met Michelle Obama in Chicago.", ""])
    negatives = [swap_ent(part, nothing, seed=str(seed)) for seed in range(20)]

    assert swap_ent(acronym, nothing, seed="a") is None
    assert any(negatives)
    assert all(negative.text.startswith("Obama met") for negative in negatives if negative)


def swaps(maker: Maker, text: str, parser: Parser, draws: int = 60) -> list[str]:
    """What `maker` puts into `text`, piece by piece, over many seeds."""
    doc, nothing = parser.parse([text, ""])
    negatives = [maker(doc, nothing, seed=digest(str(draw))) for draw in range(draws)]
    return [piece for negative in negatives if negative for piece in pieces(negative)]


def test_each_name_comes_as_often_as_it_goes(parser: Parser) -> None:
    """Else words alone would tell the negatives: a common name is drawn often, and stays where it draws itself."""
    draws = 2_000
    into = {
        name: Counter(swaps(swap_ent, f"They flew to {name} last week.", parser, draws)) for name in ("Canada", "Peru")
    }
    law = {"America": 1 / 4, "Canada": 1 / 5, "China": 1 / 6}
    weights = [1 / (place + 3) for place in range(1, len(_lists()["GPE_COUNTRY"]) + 1)]

    for name, weight in law.items():
        expected = draws * weight / sum(weights)
        for found in into.values():
            assert abs(found[name] - expected) < 5 * expected**0.5 or (name in into and found is into[name])
    assert into["Canada"]["Canada"] == 0
    assert sum(into["Canada"].values()) < sum(into["Peru"].values()) < draws


@pytest.mark.parametrize(
    "text",
    [
        "Anna, you are wrong about the parking.",
        "Hi Anna, you are wrong about the parking.",
        "I agree with all of that, Anna.",
        "Thanks Anna for the reply.",
        "They bank with the Bank of Canada now.",
        "Canada First is the slogan they use.",
        "I uploaded Image:Anna.jpg again.",
        "They can read Russian there.",
        "She studied at the University of Texas once.",
    ],
)
def test_who_is_spoken_to_and_what_is_part_of_a_name_is_left(text: str, parser: Parser) -> None:
    assert swaps(swap_ent, text, parser) == []


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("Most Muslims in the town voted early.", ["NORP_RELIGIONS"]),
        ("A Christian opened the shop.", ["NORP_RELIGION"]),
        ("The Jewish bakery opened again.", ["NORP_RELIGION", "NORP_FAITH"]),
        ("The Americans won the match.", ["NORP_NATIONALITIES"]),
        ("They met in the Alps last year.", ["LOC_MOUNTAIN"]),
        ("It snowed there in February.", ["DATE_MONTH"]),
    ],
)
def test_a_name_stays_within_its_finer_kind(text: str, lists: list[str], parser: Parser) -> None:
    allowed = {name for key in lists for name in _lists()[key].values()}
    found = set(swaps(swap_ent, text, parser))

    assert len(found) > 3
    assert found <= allowed


def test_first_and_last_name_are_drawn_and_the_gender_stays(parser: Parser) -> None:
    found = [name.split() for name in swaps(swap_ent, "I think Hannah Fletcher closed the library.", parser)]

    assert len(found) > 50
    assert {first for first, _ in found} <= set(_lists()["FIRST_FEMALE"].values())
    assert {last for _, last in found} <= set(_lists()["SURNAME"].values())


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("They closed on February 26 again.", range(10, 29)),
        ("They closed on the 3rd of April.", range(1, 10)),
        ("They closed on Nov. 30 again.", range(10, 31)),
        ("They open at 9 AM.", range(1, 10)),
        ("They open at 11am.", range(10, 13)),
        ("It was built in the 19th century.", range(10, 22)),
        ("It took 3-5 years.", range(2, 10)),
        ("It took from 30 to 50 days.", range(10, 100)),
        ("It takes between 3 and 5 hours.", range(2, 10)),
        ("It was better in the 80s.", range(20, 100, 10)),
        ("It was better in the 1970s.", range(1920, 2000, 10)),
        ("A third, that is 1/3 of them, left.", range(1, 3)),
        ("They came on 2/28/2014 again.", range(1, 13)),
        ("I said it 1000 times.", range(2000, 9001, 1000)),
    ],
)
def test_a_changed_number_is_one_that_can_be(text: str, allowed: range, parser: Parser) -> None:
    doc, nothing = parser.parse([text, ""])
    found = [negative for draw in range(60) if (negative := swap_num(doc, nothing, seed=digest(str(draw))))]

    assert len(found) == 60
    for negative in found:
        (piece,) = pieces(negative)
        number = re.match(r"\d+", piece)
        assert number
        assert int(number.group()) in allowed
        if ends := re.search(r"(\d+)(?:-| to | and )(\d+)", negative.text):
            assert int(ends[1]) < int(ends[2])


@pytest.mark.parametrize(
    "text",
    [
        "There are 10s of them.",
        "They flew in on 747s again.",
        "There is zero chance of it.",
        "Read Matthew 23:19 first.",
        "It is tested to IEC 61400 now.",
        "See item 11 of it.",
        "They left, and 3) removed it.",
        "It was half, 1/2 of them.",
        "Signed, 09:37, 18",
    ],
)
def test_a_number_that_no_other_can_stand_for_is_left(text: str, parser: Parser) -> None:
    assert swaps(swap_num, text, parser) == []
