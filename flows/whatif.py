"""What moved thresholds would keep of a version: what `contrast-pairs whatif` does. No model is loaded, no Prefect."""

import difflib
import math
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from filters.base import Filter
from filters.what_if import judged_pairs, moves, moves_by_kind, moves_by_reason, what_if
from flows.recipe import filter_kinds, recipe_of
from pairgen.errors import FilterError
from pairgen.store import Version


def ask(version: Version, moved: Sequence[str]) -> dict[str, Any]:
    """What `version` would keep with the thresholds `moved` (each FILTER.KEY=VALUE): in all, by reason and by kind."""
    filters = recipe_of(version).filters
    changes = [_parsed(each, version, filters) for each in moved]
    places = [(kind, key) for kind, key, _ in changes]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice:
        raise FilterError(f"--set: {'.'.join(twice)} is moved twice; move it once")
    now: dict[str, Filter] = {each.kind: each for each in filters}
    then = {kind: _moved(each, {key: text for of, key, text in changes if of == kind}) for kind, each in now.items()}
    judged = judged_pairs(version.pairs(), version.dropped())
    unscored = [kind for kind in now if f"score_{kind}" not in judged.columns]
    if unscored:
        raise FilterError(f"{version.reference}: has no scores of {unscored[0]}, though its recipe names it")
    store = version.place.parent.parent
    answer = what_if(judged, [each.settled(store) if each.across_sets else each for each in then.values()])
    return {
        "reference": version.reference,
        "digest": version.digest,
        "set": [
            {"filter": kind, "key": key, "now": getattr(now[kind], key), "then": getattr(then[kind], key)}
            for kind, key in places
        ],
        "pairs": moves(answer),
        "by_reason": moves_by_reason(answer).to_dicts(),
        "by_kind": moves_by_kind(answer).to_dicts(),
    }


def _parsed(moved: str, version: Version, filters: Sequence[Filter]) -> tuple[str, str, str]:
    """Filter, key and value of FILTER.KEY=VALUE; a key may be cut short where it stays clear: `min` for `min_score`."""
    name, equals, value = moved.partition("=")
    kind, dot, key = (part.strip() for part in name.partition("."))
    if not (equals and dot and kind and key and value.strip()):
        raise FilterError(f"--set {moved!r}: expected FILTER.KEY=VALUE, such as similarity.min_score=0.7")
    found = next((each for each in filters if each.kind == kind), None)
    if found is None:
        there = ", ".join(each.kind for each in filters)
        if kind in filter_kinds():
            raise FilterError(f"--set {moved!r}: {version.reference} has no scores of {kind}; it has those of: {there}")
        raise FilterError(f"--set {moved!r}: {kind!r} is no filter; {_near(kind, [each.kind for each in filters])}")
    keys = [each for each in type(found).model_fields if each not in ("kind", "against")]
    if not keys:
        raise FilterError(f"--set {moved!r}: {kind} has no threshold; it keeps what scores 0")
    fitting = [each for each in keys if each.startswith(key)]
    if key not in keys and len(fitting) != 1:
        raise FilterError(f"--set {moved!r}: {kind} has no threshold {key!r}; {_near(key, keys)}")
    return kind, key if key in keys else fitting[0], value.strip()


def _moved(found: Filter, changes: dict[str, str]) -> Filter:
    """The filter with these thresholds; "none" takes one away where there need not be one."""
    given = {key: None if value.lower() == "none" else value for key, value in changes.items()}
    try:
        made = type(found).model_validate({**found.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        what = first["msg"].removeprefix("Value error, ")
        key = str(first["loc"][0]) if first["loc"] else next(iter(changes))
        raise FilterError(f"--set '{found.kind}.{key}={changes.get(key, '')}': {what[:1].lower()}{what[1:]}") from error
    for key in changes:
        if isinstance(getattr(made, key), float) and not math.isfinite(getattr(made, key)):
            raise FilterError(f"--set '{found.kind}.{key}={changes[key]}': input should be a finite number")
    return made


def _near(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
