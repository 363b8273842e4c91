"""Where the toxicity stands: any spelling, at its own characters; names and identity terms are never taken."""

import pytest

from pairgen.models import Parser
from pairgen.rewriting.locate import Carrier, lexicon_carriers, lexicon_spans, locate, tokens, without
from tests.pairgen.samples import WordToxicity


@pytest.mark.parametrize(
    "spelling",
    [
        "stupid", "STUPID", "st*pid", "stup1d", "$tupid", "s t u p i d", "s.t.u.p.i.d", "stuuuupid", "stupiddd",
        "\u0455tupid", "stuріd", "\uff53\uff54\uff55\uff50\uff49\uff44", "s-t-u-p-i-d", "s_t_u_p_i_d",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("What a “", "”, really"), ("🙂 naïve ", "!!! and so on"), ("(", ").")]
)
def test_obfuscated_spellings_keep_their_characters(spelling: str, before: str, after: str) -> None:
    text = f"{before}{spelling}{after}"

    (carrier,) = lexicon_carriers(text)

    assert text[carrier.start : carrier.end] == spelling
    assert {sense.sense for sense in carrier.senses} == {"quality_insult", "person_insult"}
    assert lexicon_spans(text) == [(len(before), len(before) + len(spelling))]


@pytest.mark.parametrize("text", ["assess the classes", "Scunthorpe", "a b c d", "1 2 3", "", "***"])
def test_other_words_are_none(text: str) -> None:
    assert [text[start:end] for start, end in lexicon_spans(text)] == []


def test_the_longest_expression_left_to_right() -> None:
    text = "Damn it, you damn fool, the idiot’s dog"

    assert [text[start:end] for start, end in lexicon_spans(text)] == ["Damn it", "damn fool", "idiot"]


def test_tokens_are_at_their_places() -> None:
    text = "«It» (opens) at nine—o'clock, 'now'!"

    assert all(token.plain for token in tokens(text))
    assert [text[token.start : token.end] for token in tokens(text)][1:3] == ["opens", "at"]


def test_strong_expressions_are_located_outright(parser: Parser) -> None:
    text = "What a stupid idea, you idiot."

    ((*carriers,),) = locate(parser.parse([text]), scorer=WordToxicity(), max_toxicity=0.3)

    assert [text[carrier.start : carrier.end] for carrier in carriers] == ["stupid", "idiot"]


def test_occlusion_finds_what_the_lexicon_has_not(parser: Parser) -> None:
    texts = ["The weather is blurbish today.", "The weather is fine today.", "A blurbish and glorpish day."]
    scorer = WordToxicity(blurbish=0.9, glorpish=0.8)

    found = locate(parser.parse(texts), scorer=scorer, max_toxicity=0.3)

    words = [[text[c.start : c.end] for c in carriers] for text, carriers in zip(texts, found, strict=True)]
    assert words == [["blurbish"], [], ["blurbish", "glorpish"]]
    assert all(carrier.senses == () for carriers in found for carrier in carriers)


def test_what_is_only_misheard_is_no_toxic_expression() -> None:
    assert lexicon_spans("My mom eats trash.", plain=True) == [(12, 17)]
    assert [(each.start, each.end) for each in lexicon_carriers("My mom eats trash.")] == [(3, 6), (7, 11), (12, 17)]


def test_a_text_at_the_limit_is_quiet(parser: Parser) -> None:
    docs = parser.parse(["The weather is blurbish today."])

    assert locate(docs, scorer=WordToxicity(blurbish=0.6), max_toxicity=0.6) == [[]]
    assert len(locate(docs, scorer=WordToxicity(blurbish=0.61), max_toxicity=0.6)[0]) == 1


def test_an_unknown_word_that_is_not_toxic_by_itself_is_never_taken(parser: Parser) -> None:
    docs = parser.parse(["The weather is blurbish today."])

    assert locate(docs, scorer=WordToxicity(blurbish=0.49), max_toxicity=0.3) == [[]]
    assert len(locate(docs, scorer=WordToxicity(blurbish=0.5), max_toxicity=0.3)[0]) == 1


def test_names_and_identity_terms_are_never_taken(parser: Parser) -> None:
    text = "The gay mayor of Chicago spoke on Monday about lunch."
    scorer = WordToxicity(gay=0.9, Chicago=0.9, Monday=0.9)

    assert locate(parser.parse([text]), scorer=scorer, max_toxicity=0.3) == [[]]


@pytest.mark.parametrize(("text", "found"), [("He is a rat.", ["rat"]), ("A rat ran away.", [])])
def test_an_animal_is_an_insult_only_to_somebody(text: str, found: list[str], parser: Parser) -> None:
    (carriers,) = locate(parser.parse([text]), scorer=WordToxicity(), max_toxicity=0.3)

    assert [text[each.start : each.end] for each in carriers] == found


def test_no_documents() -> None:
    assert locate([], scorer=WordToxicity(), max_toxicity=0.3) == []


def test_without_cuts_the_characters_out() -> None:
    assert without("a damn fine day", [Carrier(7, 11, ()), Carrier(2, 6, ())]) == "a   day"
    assert without("damn", []) == "damn"
