"""What the last build of a data set came to: one that would be the same again is not made again."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pairgen.digests import digest
from pairgen.store import Store, Version


def standing(file: Path, name: str, decided: Sequence[str], store: Store) -> Version | None:
    """The version of `name` that a build of the same `decided` came to, as `file` says, if it still stands."""
    try:
        decided_then, content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return None
    return store.holding(name, content) if decided_then == digest(*decided) else None


def note_standing(file: Path, decided: Sequence[str], version: Version) -> None:
    """Say in `file` that a build of `decided` came to `version`; if that fails, the next build is a whole one."""
    with suppress(OSError):
        file.write_text(json.dumps([digest(*decided), version.digest]), encoding="utf-8")
