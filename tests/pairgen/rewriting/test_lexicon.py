"""Every surface form leads to neutral forms in the same inflection."""

import pytest

from pairgen.rewriting.lexicon import DELETE, inflect, longest, senses
from pairgen.rewriting.locate import lexicon_spans


@pytest.mark.parametrize(
    ("expression", "pos", "tag", "surface"),
    [
        ("idiot", "noun", "NN", "idiot"),
        ("idiot", "noun", "NNS", "idiots"),
        ("unwise person", "noun", "NNS", "unwise people"),
        ("poor judgment", "noun", "NNS", "poor judgment"),
        ("criticize", "verb", "VBD", "criticized"),
        ("criticize", "verb", "VBG", "criticizing"),
        ("make a mess", "verb", "VBZ", "makes a mess"),
        ("take", "verb", "VBN", "taken"),
        ("dumb", "adj", "JJR", "dumber"),
        ("unwise", "adj", "JJS", "most unwise"),
        ("run-down", "adj", "JJR", "more run-down"),
        ("very bad", "adj", "JJR", "worse"),
        ("very bad", "adj", "JJS", "worst"),
        ("not smart", "adj", "JJR", "less smart"),
        ("not very bright", "adj", "JJS", "least bright"),
        ("strongly dislike", "verb", "VBZ", "strongly dislikes"),
        ("waste time", "verb", "VBG", "wasting time"),
        ("people", "noun", "NNS", "people"),
        ("very", "adv", "adv", "very"),
    ],
)
def test_inflection(expression: str, pos: str, tag: str, surface: str) -> None:
    assert inflect(expression, pos, tag) == surface


def test_forms_of_a_noun_a_verb_and_several_words() -> None:
    plural = senses()[("idiots",)][0]
    past = next(sense for sense in senses()[("damned",)] if sense.tag == "VBD")

    assert (plural.pos, plural.tag, plural.strong) == ("noun", "NNS", True)
    assert plural.neutral[0] == "unwise people"
    assert past.neutral == ("criticized", "condemned")
    assert ("damn", "it") in senses()
    assert longest() >= 3


def test_every_entry_is_whole() -> None:
    for surface, entries in senses().items():
        assert all(word == word.lower() and word.strip() for word in surface), surface
        for sense in entries:
            assert sense.neutral
            assert all(neutral == DELETE or neutral.strip() == neutral != "" for neutral in sense.neutral), surface


def test_no_neutral_form_is_a_strong_expression() -> None:
    strong = {" ".join(surface) for surface, entries in senses().items() if any(entry.strong for entry in entries)}
    neutral = {form for entries in senses().values() for entry in entries for form in entry.neutral}

    assert sorted(neutral & strong) == []
    assert [form for form in sorted(neutral) if lexicon_spans(form)] == []


def test_threats_and_orders_have_no_past() -> None:
    for form in ("fucked", "fucking", "fucks"):
        assert not [sense for sense in senses()[form,] if sense.sense == "order"], form
    assert [sense for sense in senses()["fuck",] if sense.sense == "order"]
    assert ("kill",) in senses()
    assert ("killed",) not in senses()


def test_what_has_no_plural_has_no_plural_forms() -> None:
    assert {sense.tag for sense in senses()["ignorance",]} == {"NN"}


def test_what_is_a_plural_already_stays_so() -> None:
    assert inflect("women", "noun", "NNS") == "women"
    assert inflect("private parts", "noun", "NNS") == "private parts"
    assert inflect("mess", "noun", "NNS") == "messes"
    assert inflect("boss", "noun", "NNS") == "bosses"
