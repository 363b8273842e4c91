"""Agent and patient of the verbs that both texts have stay what they were."""

import pytest

from filters.base import apply_filters
from filters.roles_kept import RolesKept
from pairgen.models import Parser
from pairgen.schema import PAIRS, empty
from tests.pairgen.samples import Fakes, pair, pairs


@pytest.mark.parametrize(
    ("parent", "positive", "ratio"),
    [
        ("Anna thanked the damn clerk.", "Anna thanked the clerk.", 1),
        ("Anna thanked the damn clerk.", "The clerk thanked Anna.", 0),
        ("The idiot thanked Anna.", "Anna thanked the person.", 0),  # the word that both have
        ("The idiot thanked Anna.", "The person thanked Anna.", 1),
        ("He loves me, the idiot.", "I love him.", 0),
        ("The clerk was thanked by Anna, damn it.", "Anna thanked the clerk.", 1),
        ("Anna thanked the clerk. The dog bit the damn cat.", "Anna thanked the clerk. The cat bit the dog.", 0.5),
        ("The damn clerk cheated Anna.", "Anna misled the clerk.", 0),  # under another verb
        ("The damn clerk cheated Anna.", "The clerk misled Anna.", 1),
        ("Anna ate, damn it.", "The bread ate Anna.", 0),  # of a verb without an object
        ("Anna and Boris thanked the damn clerk.", "The clerk thanked Boris.", 0),
        ("The idiots who saw it left.", "What they saw left.", 1),  # "who", "what" are nobody
        ("Idiots!", "People!", 1),
        ("Anna thanked Boris.", "Anna thanked Boris.", 1),
        ("", "", 1),
    ],
)
def test_both_sides_of_the_limit(parent: str, positive: str, ratio: float, parser: Parser) -> None:
    table, fakes = pairs(pair(positive, parent=parent)), Fakes(parser=parser)

    assert RolesKept().score(table, fakes).to_list() == [ratio]
    for least in (0.5, 0.51, 1.0):
        outcome = apply_filters(table, [RolesKept(min_ratio=least)], fakes)
        assert (outcome.kept.height, outcome.dropped.height) == (ratio >= least, ratio < least)


def test_no_pairs(parser: Parser) -> None:
    assert apply_filters(empty(PAIRS), [RolesKept()], Fakes(parser=parser)).kept.height == 0
