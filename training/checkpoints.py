"""Where a training works until its model is done: an interrupted run leaves its last checkpoint there, and goes on."""

import errno
import fcntl
import json
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from pairgen.errors import TrainingError

_RUN = "run.json"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def work_folder(out: Path, run: dict[str, Any]) -> Iterator[Path]:
    """The folder `.NAME-partial` beside `out`, empty or with the last checkpoint of the same `run` (JSON-able).

    It goes when `out` is there, or when there is no checkpoint in it. `TrainingError` where nothing can be written,
    another process works in it, or the system stops what is done in it (OSError).
    """
    work = out.with_name(f".{out.name}-partial")
    begun = False
    told = json.dumps(run, sort_keys=True, default=str)
    try:
        work.mkdir(parents=True, exist_ok=True)
        with (work / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise TrainingError(f"{out}: another process trains it now; name another folder, or wait") from error
            try:
                if not (work / _RUN).is_file() or (work / _RUN).read_text(encoding="utf-8") != told:
                    _clear(work, but=())
                    (work / _RUN).write_text(told, encoding="utf-8")
                begun = True
                yield work
            finally:
                last = last_checkpoint(work)
                if last is None or (out / "lineage.json").is_file():
                    shutil.rmtree(work, ignore_errors=True)
                else:
                    _clear(work, but=(last.name, _RUN))
    except (OSError, SafetensorError, RuntimeError) as error:
        frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        if isinstance(error, RuntimeError) and not any(name.endswith("torch/serialization.py") for name in frames):
            raise
        if begun and isinstance(error, OSError) and error.errno not in _FULL:
            why = str(error).splitlines()[0]
            raise TrainingError(
                f"{out}: its training stopped ({why}); mend that and give the same command again"
            ) from error
        why = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise TrainingError(f"{out}: cannot be written ({why}); name a folder with room for it") from error


def last_checkpoint(work: Path) -> Path | None:
    """The checkpoint of the highest step in `work` that was written to its end."""
    done = [path.parent for path in work.glob("checkpoint-*/trainer_state.json")]
    return max(done, key=lambda path: int(path.name.partition("-")[2]), default=None)


def _clear(work: Path, *, but: tuple[str, ...]) -> None:
    for path in work.iterdir():
        if path.is_dir() and path.name not in but:
            shutil.rmtree(path, ignore_errors=True)
