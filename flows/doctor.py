"""What is installed, reachable and pinned, and what to do about the rest."""

import shutil
import socket
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.version import Version

from pairgen.errors import ContrastPairsError
from pairgen.places import Place, local_folder

_LIBRARIES = ("polars", "prefect", "datasets", "detoxify", "sentence-transformers", "spacy", "torch", "transformers")
_MIN_FREE_GB = 2


def examine(store: Place) -> list[dict[str, Any]]:
    """Findings, each with `what`, `ok`, `needed` (by the embedded profile), `found`, and `cure` ("" where `ok`)."""
    return [_python(), *map(_library, _LIBRARIES), _fastapi(), *_models(), _dtype(), _server(), _hub(), _disk(store)]


def _finding(what: str, ok: bool, found: str, cure: str, *, needed: bool = True) -> dict[str, Any]:
    return {"what": what, "ok": ok, "needed": needed, "found": found, "cure": "" if ok else cure}


def _python() -> dict[str, Any]:
    return _finding("python", sys.version_info >= (3, 11), sys.version.split()[0], "use Python 3.11 or later")


def _library(name: str) -> dict[str, Any]:
    try:
        return _finding(name, True, version(name), "")
    except PackageNotFoundError:
        return _finding(name, False, "not installed", f"pip install {name}")


def _fastapi() -> dict[str, Any]:
    try:
        found = version("fastapi")
    except PackageNotFoundError:
        return _finding("fastapi", False, "not installed", "pip install 'fastapi>=0.139,<0.151'")
    fits = Version("0.139") <= Version(found) < Version("0.151")
    return _finding("fastapi", fits, found, "pip install 'fastapi>=0.139,<0.151': Prefect runs no flow with others")


def _models() -> list[dict[str, Any]]:
    """Each model of the embedded profile: whether it can be loaded, by its fingerprint; no weights are read."""
    from flows.recipe import read_recipe
    from pairgen.loading import ROLES, LoadedModels
    from pairgen.memory import Memory

    specs = read_recipe("embedded", sources=["package:demo"]).models
    with tempfile.TemporaryDirectory() as folder:
        models = LoadedModels(specs, Memory(Path(folder) / "scores.sqlite"))
    findings = []
    for role in ROLES:
        try:
            findings.append(_finding(f"model: {role}", True, getattr(models, role).fingerprint, ""))
        except ContrastPairsError as error:
            findings.append(_finding(f"model: {role}", False, "not installed", str(error)))
    return findings


def _dtype() -> dict[str, Any]:
    from pairgen.loading import hardware

    device, fast = hardware()
    cure = "nothing: scores are made in float32, three times as slowly"
    return _finding("bfloat16", fast, device, cure, needed=False)


def _server() -> dict[str, Any]:
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if not url:
        cure = "prefect server start, and prefect config set PREFECT_API_URL"
        return _finding("prefect server", False, "none set; a temporary one serves each build", cure, needed=False)
    address = urlsplit(url)
    try:
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname or "", port), timeout=3).close()
    except OSError as error:
        cure = "start that server, or unset PREFECT_API_URL for a temporary one"
        return _finding("prefect server", False, f"{url} does not answer ({error.strerror or error})", cure)
    return _finding("prefect server", True, url, "", needed=False)


def _hub() -> dict[str, Any]:
    try:
        socket.create_connection(("huggingface.co", 443), timeout=3).close()
    except OSError as error:
        cure = "needed for hf: and detoxify: models only; the embedded profile needs no hub"
        return _finding("hub", False, f"not reachable ({error.strerror or error})", cure, needed=False)
    return _finding("hub", True, "reachable", "", needed=False)


def _disk(store: Place) -> dict[str, Any]:
    here = local_folder(store).absolute()
    there = next(folder for folder in (here, *here.parents) if folder.exists())
    free = shutil.disk_usage(there).free / 1e9
    return _finding(
        "disk", free >= _MIN_FREE_GB, f"{free:.0f} GB free at {there}", f"make room: {_MIN_FREE_GB} GB are needed"
    )
