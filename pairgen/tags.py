"""Tags: names such as `production` that move from version to version, with their history (STORE/NAME/tags.json)."""

import re
from typing import Any

from pairgen.errors import StoreError
from pairgen.places import Place
from pairgen.records import read_record, signed, write_record
from pairgen.version import Version, brief

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TAKEN = re.compile(r"v\d+|latest|[0-9a-f]{6,}", re.IGNORECASE)  # what a reference means already


def check_tag(tag: str) -> None:
    """`StoreError` unless `tag` can be a tag."""
    if not _TAG.fullmatch(tag):
        raise StoreError(
            f"{tag!r}: no tag; expected at most 64 letters, digits, '-', '_' and '.', beginning with a letter or digit"
        )
    if _TAKEN.fullmatch(tag):
        raise StoreError(
            f"{tag!r}: no tag; it reads as a version number, `latest` or the beginning of a digest; choose another word"
        )


def read_tags(home: Place) -> dict[str, int]:
    """Tag and version number, for the data set in the folder `home`, sorted by tag."""
    path = home / "tags.json"
    tags = read_record(path, "tags")["tags"]
    for tag, number in tags.items():
        if not isinstance(number, int) or not _TAG.fullmatch(tag):
            raise StoreError(f"{path}: damaged record of tags ({tag!r} is {number!r}); restore it")
    return dict(sorted(tags.items()))


def tags_of(version: Version) -> list[str]:
    """The tags that `version` has now, sorted."""
    return [tag for tag, number in read_tags(version.place.parent).items() if number == version.number]


def tag_history(version: Version) -> list[dict[str, Any]]:
    """Every move of a tag from or to `version`, oldest first: tag, from (null at first), to, when, who."""
    path = version.place.parent / "tags.json"
    moves = read_record(path, "tags").get("history", [])
    try:
        return [move for move in moves if version.number in (move["from"], move["to"])]
    except (TypeError, KeyError) as error:
        raise StoreError(f"{path}: damaged history of tags ({brief(error)}); restore it") from error


def move_tag(home: Place, tag: str, number: int) -> dict[str, Any]:
    """Give `tag` to the version `number` and say how it moved; where it stood there already, nothing is written.

    The caller holds `records.changing(home)`.
    """
    check_tag(tag)
    before = read_tags(home).get(tag)
    move = {"tag": tag, **signed(**{"from": before, "to": number})}
    if before != number:
        record = read_record(home / "tags.json", "tags")
        record["tags"][tag] = number
        record["history"] = [*record.get("history", []), move]
        write_record(home / "tags.json", record)
    return move
