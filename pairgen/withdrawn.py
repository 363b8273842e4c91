"""Withdrawn versions: they stay as they are on disk, and nothing is trained from them (STORE/NAME/withdrawn.json)."""

from typing import Any

from pairgen.errors import StoreError
from pairgen.places import Place
from pairgen.records import read_record, signed, write_record
from pairgen.version import Version

_FILE = "withdrawn.json"
_MAX_REASON = 500


def read_withdrawn(home: Place) -> dict[int, dict[str, Any]]:
    """Number and tombstone (reason, digest, when, who) of what was withdrawn of the data set in the folder `home`."""
    stones = read_record(home / _FILE, "withdrawn")["withdrawn"]
    for number, stone in stones.items():
        fields = [stone.get(key) for key in ("reason", "digest", "when")] if isinstance(stone, dict) else [None]
        if not number.isdecimal() or not all(isinstance(field, str) for field in fields):
            raise StoreError(f"{home / _FILE}: damaged record of withdrawn (version {number!r}); restore it")
    return {int(number): stone for number, stone in sorted(stones.items(), key=lambda each: int(each[0]))}


def withdrawal_of(version: Version) -> dict[str, Any] | None:
    """The tombstone of `version`: reason, digest, when, who; None where it was not withdrawn."""
    return read_withdrawn(version.place.parent).get(version.number)


def refuse_withdrawn(version: Version) -> None:
    """`StoreError` with the reason where `version` was withdrawn."""
    stone = withdrawal_of(version)
    if stone:
        raise StoreError(
            f"{version.reference}: was withdrawn on {stone['when'][:10]} ({stone['reason']}); "
            f"use another: contrast-pairs versions {version.name}"
        )


def withdraw(version: Version, reason: str) -> dict[str, Any]:
    """Write the tombstone of `version` and return it; the caller holds `records.changing(version.place.parent)`."""
    said = " ".join(reason.split())
    if not said or len(said) > _MAX_REASON or not said.isprintable():
        raise StoreError(
            f"{version.reference}: --reason is {len(said)} characters; expected a line of 1 to {_MAX_REASON} that can "
            "be printed, it is what others are told"
        )
    path = version.place.parent / _FILE
    record = read_record(path, "withdrawn")
    before = withdrawal_of(version)
    if before:
        raise StoreError(
            f"{version.reference}: was withdrawn on {before['when'][:10]} already ({before['reason']}); nothing to do"
        )
    stone = signed(reason=said, digest=version.digest)
    record["withdrawn"][str(version.number)] = stone
    write_record(path, record)
    return stone
