"""What models say in place of a toxic text, and what of it may stand; here they say what a test wants."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pairgen.loading import LoadedModels
from pairgen.models import Continuation
from pairgen.rewriting.generate import _PROMPT, _PROMPT_TOKENS, generate
from pairgen.rewriting.locate import lexicon_carriers
from pairgen.rewriting.propose import Candidate
from tests.pairgen.samples import Fakes, Parrot

pytestmark = pytest.mark.slow


class Says:
    """A filler that offers `said` for every gap, and a translator from which it comes back."""

    fingerprint = "says"

    def __init__(self, *said: str) -> None:
        self._said = said

    def fills(self, gaps: Sequence[tuple[str, str]], *, k: int) -> list[list[str]]:
        return [list(self._said) for _ in gaps]

    def round_trip(self, texts: Sequence[str]) -> list[str | None]:
        return [self._said[0] for _ in texts]


@pytest.fixture
def fakes(models: LoadedModels) -> Fakes:
    return Fakes(embedder=models.embedder, parser=models.parser, language=Parrot(" never\n"))


def made(fakes: Fakes, *texts: str, samples: int = 0) -> list[list[Candidate]]:
    docs = fakes.parser.parse(texts)
    return generate(docs, [lexicon_carriers(text) for text in texts], samples=samples, models=fakes)


def written(fakes: Fakes, text: str, *, samples: int = 0) -> list[str]:
    return [each.text for each in made(fakes, text, samples=samples)[0]]


def test_a_fill_is_close_in_meaning_to_what_it_stands_for(fakes: Fakes) -> None:
    fills = Says("gold", "poor work", "nonsense", "garbage", "crap", "##ed", "work ,", "3")  # "garbage" may be rude

    (found,) = made(replace(fakes, filler=fills), "The council wrote crap about us.")

    assert [(each.text, each.strategy) for each in found] == [
        ("The council wrote nonsense about us.", "fill"),
        ("The council wrote poor work about us.", "fill"),
    ]
    assert found[0].weight == pytest.approx(1, abs=0.01)  # a form that the lexicon has itself
    assert 0.6 <= found[1].weight < 0.8


def test_all_carriers_are_filled_or_none(fakes: Fakes) -> None:
    both = "The council wrote crap, and the stupid mayor read it."

    found = written(replace(fakes, filler=Says("nonsense", "unwise")), both)

    assert found[0] == "The council wrote nonsense, and the unwise mayor read it."
    assert not any("crap" in text or "stupid" in text for text in found)
    assert written(replace(fakes, filler=Says("unwise")), both) == []


def test_the_sentence_is_mended_around_a_fill(fakes: Fakes) -> None:
    fills = Says("uninformed man", "unwise Paris person")  # no name comes in

    assert written(replace(fakes, filler=fills), "He is a moron, they say.") == ["He is an uninformed man, they say."]


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ("He is unwise and he met 3 of us in Leeds.", True),
        ("He is an unwise man and he met 3 of us in Leeds.", True),
        ("He is a gardener and he met 3 of us in Leeds.", False),  # a word that nobody said
        ("He is unwise and he thwarted 3 of us in Leeds.", False),  # another word for what was not toxic
        ("He is unwise and he met 3 of us.", False),  # and one left out
        ("He is unwise and he met 4 of us in Leeds.", False),
        ("He is not wise and he met 3 of us in Leeds.", False),
        ("Bob is unwise and he met 3 of us in Leeds.", False),
        ("He is a moron and he met 3 of us in Leeds.", False),
        ("He is an  idiot and he met 3 of us in Leeds.", False),  # the text itself
        (
            "Unwise to me and to you and to them and to all of us is he, and he met 3 of us in Leeds.",
            False,
        ),  # another sentence
    ],
)
def test_what_a_language_model_says_keeps_all_but_the_toxicity(said: str, stands: bool, fakes: Fakes) -> None:
    text = "He is an idiot and he met 3 of us in Leeds."

    found = written(replace(fakes, language=Parrot(f" {said}\n\nRude: more")), text, samples=1)

    assert found == [said] * stands
    assert written(replace(fakes, language=Parrot(f" {said}")), text, samples=1) == []  # it was cut off


def test_only_the_passage_that_is_toxic_is_said_anew(fakes: Fakes) -> None:
    language = Parrot(" He is unwise.\n")
    text = "We met in Leeds.  He is an idiot!\n\nIt rained."

    assert written(replace(fakes, language=language), text, samples=1) == [
        "We met in Leeds.  He is unwise.\n\nIt rained."
    ]
    assert language.asked == [_PROMPT + "Rude: He is an idiot!\nPolite:"]
    long = f"He is an idiot, and {'so on, ' * 30}."
    assert written(replace(fakes, language=language), long, samples=1) == []
    assert len(language.asked) == 1


def test_the_prompt_fits(models: LoadedModels) -> None:
    passage = "Those idiots at the council paid 40 pounds for it in May. " * 3
    tokens = models.language._model._tokenizer(_PROMPT + f"Rude: {passage[:160]}\nPolite:")["input_ids"]  # type: ignore[attr-defined]

    assert len(tokens) < _PROMPT_TOKENS


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ("The meeting starts at nine.", True),  # another word for the same
        ("The concert starts at nine.", False),
        ("The meeting in Paris starts at nine.", False),
        ("The meeting does not start at nine.", False),
        ("You idiot, the meeting starts at nine.", False),
    ],
)
def test_what_comes_back_from_another_language_says_the_same(said: str, stands: bool, fakes: Fakes) -> None:
    (found,) = made(replace(fakes, translator=Says(said)), "You idiot, the meeting begins at nine.")

    assert [(each.text, each.strategy) for each in found] == [(said, "back_translation")] * stands


def test_without_a_model_there_is_nothing(fakes: Fakes) -> None:
    language = Parrot(" He is unwise.\n")

    assert made(replace(fakes, language=language), "He is an idiot.", "She is an idiot.") == [[], []]
    assert language.asked == []


def test_the_same_alone_and_in_company(fakes: Fakes) -> None:
    texts = ("He is a moron.", "The council wrote crap about us.", "She is a moron, and the stupid mayor knows.")
    several = Says("unwise man", "nonsense", "unwise", "uninformed woman")
    fakes = replace(fakes, filler=several, language=Parrot(" He is unwise.\n"))

    together = made(fakes, *texts, samples=2)

    assert [found for text in texts for found in made(fakes, text, samples=2)] == together
    assert made(fakes, *texts[::-1], samples=2) == together[::-1]
    assert {each.strategy for each in together[0]} == {"fill", "few_shot"}
    assert all(len({each.text for each in found}) == len(found) for found in together)


def test_samples_are_drawn_by_the_digest_of_the_text(fakes: Fakes) -> None:
    class Seeded(Parrot):
        seeds: list[str]

        def continuations(
            self, prompts: Sequence[str], *, seeds: Sequence[str], k: int, tokens: int, width: int = 64
        ) -> list[list[Continuation]]:
            self.seeds = list(seeds)
            return super().continuations(prompts, seeds=seeds, k=k, tokens=tokens, width=width)

    language = Seeded(" He is unwise.\n")
    fakes = replace(fakes, language=language)
    made(fakes, "He is an idiot.", "She is an idiot.", samples=1)
    both = language.seeds
    made(fakes, "She is an idiot.", samples=1)
    assert language.seeds == both[1:]
    assert both[0] != both[1]
