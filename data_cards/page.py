"""A page for people from a template: self-contained; no request leaves it, only its own style and script run."""

import base64
import hashlib
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from data_cards.wording import KINDS, or_none, outcome, segments, telling, visible


def render(template: str, *scripts: str, **shown: Any) -> str:
    """The page that `template` makes of `shown`; its policy allows the style and the `scripts` by their sha256.

    A string comes out escaped and without characters that act unseen, unless it is `Markup`.
    """
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": lambda number: f"{number:,}",
        "kind": _kind,
        "piece": _piece,
        "telling": telling,
        "outcome": outcome,
        "or_none": or_none,
    }
    style, script = _read("page.css"), "".join(_read(name) for name in scripts)
    hashes = {"style": _policy(style), "script": _policy(script) if script else "'none'"}
    policy = (
        f"default-src 'none'; style-src {hashes['style']}; script-src {hashes['script']}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = environment.get_template(template)
    return page.render(**shown, style=Markup(style), script=Markup(script), policy=policy)


def _read(name: str) -> str:
    return resources.files("data_cards").joinpath("templates", name).read_text(encoding="utf-8")


def _kind(kind: str) -> str:
    return KINDS.get(kind, kind)


def _piece(text: str) -> dict[str, Any]:
    return segments(text, [], cover=False, plain=True)[0]


def _policy(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _plain(shown: Any) -> Any:
    return visible(shown) if isinstance(shown, str) and not isinstance(shown, Markup) else shown
