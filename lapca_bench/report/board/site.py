"""The site as a folder: pages with everything inlined under a content policy that lets nothing in from outside.

Every page carries its style and scripts, named by their SHA-256 in the policy; data are JSON blocks, which are not
executed. Names come from users: jinja escapes them, and control and direction-override characters are made visible.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from lapca_bench.visible import visible

if TYPE_CHECKING:
    from jinja2 import Environment

_BUILT: ContextVar[str] = ContextVar("built", default="")
FRONT = {"index.html.j2", "about.html.j2", "changes.html.j2"}  # pages that lie in the site's folder itself
KEPT = 48  # characters of a name in a file name


def slug(name: str) -> str:
    """A file name for any name: its readable part, and enough of its digest to keep two names apart."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:KEPT].strip("-")
    plain = re.fullmatch(r"[a-z0-9-]+", name) and len(name) <= KEPT and readable == name
    return (
        name
        if plain
        else f"{readable or 'name'}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    )


@contextmanager
def built_as(text: str) -> Iterator[None]:
    """Within it, the foot of every page says as of when and by what it was built."""
    token = _BUILT.set(text)
    try:
        yield
    finally:
        _BUILT.reset(token)


def embedded(value: object) -> str:
    """`value` as JSON that can stand in a script element: no "<", ">" or "&", no line separators."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _asset(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def policy(style: str, scripts: Sequence[str]) -> str:
    """The content policy: this style, these scripts, images from data addresses, nothing else."""
    allowed = " ".join(_hash(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lapca_bench.report.board"), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    environment.tests["web"] = lambda url: isinstance(url, str) and url.startswith(("https://", "http://"))
    environment.finalize = lambda value: (
        visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
    )
    return environment


def page(
    template: str,
    title: str,
    context: Mapping[str, object],
    *,
    scripts: Sequence[str] = (),
    data: Mapping[str, object] | None = None,
) -> str:
    """One page as HTML. `scripts` name further assets, `data` JSON blocks by element id."""
    from markupsafe import Markup

    style = _asset("style.css")
    code = [_asset(name) for name in ("page.js", *scripts)]
    blocks = [{"id": name, "json": Markup(embedded(value))} for name, value in (data or {}).items()]  # noqa: S704 - embedded() escapes
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            root="" if template in FRONT else "../",
            policy=policy(style, code),
            style=Markup(style),  # noqa: S704 - an asset of this package
            scripts=[Markup(script) for script in code],  # noqa: S704 - assets of this package
            data=blocks,
            built=_BUILT.get(),
            **context,
        )
    )
