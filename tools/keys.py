"""Write docs/cards.md: every key of every file that people write, from the models that read them.

    python tools/keys.py docs/cards.md

A test holds the page equal to what this writes.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Set
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from lapca_bench.collections.files import FileCard
from lapca_bench.experiment.spec import Experiment
from lapca_bench.search.card import SystemCard
from lapca_bench.search.kinds import KINDS
from lapca_bench.toml_model import Strict
from lapca_bench.training.recipe import Recipe

HEAD = """# Keys of cards, experiments, recipes and collections

Every file that you write for lapca-bench is TOML, and this is all that may stand in it. A key that is not listed here
is refused with the nearest one that is; all that are missing are told at once. Made by `python tools/keys.py
docs/cards.md` from the models that read the files, so that it says what they say.

A card for a model you have need not be written by hand: `lapca-bench systems new ./my-model -o my-model.toml` writes
what the model's own files state, with the place of each value beside it, and `lapca-bench systems info my-model.toml`
describes it. `run` puts the card of every system beside its result (`card.toml`), so that what was decided can be
edited and run again.
"""

PATHS = """A relative path in a card is seen from the card where something lies there, else from the current folder.
`checkpoint` may be a folder, `resource:NAME` (what `lapca-bench fetch` brings), or a hub repository, `owner/name` or
`hub:owner/name`.
"""


def page() -> str:
    """The whole page."""
    lines = [HEAD, "## Cards of systems", "", PATHS, *_model("every card", SystemCard)]
    for card in KINDS:
        own = {name: field for name, field in card.model_fields.items() if name not in SystemCard.model_fields}
        kind = " or ".join(f'"{name}"' for name in get_args(card.model_fields["kind"].annotation))
        lines += [f"### kind = {kind}", "", _cleaned(card), ""]
        for name, field in own.items():
            for model in _models(field.annotation):
                lines += _model(f"[{name}]{_distinguished(model)}", model, name)
    lines += ["## Collections", "", *_model("every collection's card", FileCard)]
    for model in sorted(FileCard.__subclasses__(), key=lambda one: one.__name__):
        lines += _model(
            _cleaned(model).partition(";")[0].rstrip("."), model, skip=set(FileCard.model_fields), told=False
        )
    lines += ["## Experiments", "", *_model("an experiment", Experiment)]
    lines += ["## Recipes", "", *_model("a recipe", Recipe, skip={"encoder"})]
    return "\n".join(lines).rstrip("\n") + "\n"


def _cleaned(model: type[BaseModel]) -> str:
    return " ".join(inspect.cleandoc(model.__doc__ or "").split())


def _distinguished(model: type[BaseModel]) -> str:
    """Of the members of a union, the value of the key that tells them apart."""
    kind = model.model_fields.get("type")
    values = get_args(kind.annotation) if kind is not None else ()
    return f" with type = {_toml(values[0])}" if values else ""


def _said(model: type[BaseModel]) -> str:
    """What the docstrings of a model and of the models it builds on say of its keys."""
    told = []
    for one in model.__mro__:
        own = one.__dict__.get("__doc__")
        keys = {name for name in inspect.get_annotations(one) if name in model.model_fields}
        if isinstance(own, str) and issubclass(one, Strict) and one is not Strict and (one is model or keys):
            told.append(_cleaned(one))
    return "\n\n".join(told)


def _model(
    title: str, model: type[BaseModel], place: str = "", *, told: bool = True, skip: Set[str] = frozenset()
) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    if told:
        yield _said(model)
        yield ""
    yield from _keys(model, skip)
    for name, field in model.model_fields.items():
        inner = [one for one in _models(field.annotation) if name not in skip]
        for one in inner:
            yield from _model(f"[{place}.{name}]" if place else f"[{name}]", one, f"{place}.{name}" if place else name)


def _keys(model: type[BaseModel], skip: Set[str]) -> Iterator[str]:
    yield "| key | value | default |"
    yield "|---|---|---|"
    for name, field in model.model_fields.items():
        if name in skip:
            continue
        yield f"| `{name}` | {_type(field.annotation, field.metadata)} | {_default(field)} |"
    yield ""


def _default(field: Any) -> str:
    if field.is_required():
        return "must be given"
    value = field.default if field.default is not PydanticUndefined else field.default_factory()
    if value is None:
        return "not set"
    if isinstance(value, BaseModel):
        return "that of its keys"
    return f"`{_toml(value)}`"


def _toml(value: object) -> str:
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool | int | float | dict) else str(value)


_NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", Any: "value"}


def _type(annotation: Any, metadata: Any = ()) -> str:  # noqa: PLR0911 - one for each form
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type(get_args(annotation)[0], get_args(annotation)[1:])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(one, metadata) for one in get_args(annotation) if one is not NoneType))
    if origin is Literal:
        return ", ".join(f"`{_toml(one)}`" for one in get_args(annotation))
    if origin in (list, tuple, set, frozenset):
        if any(_models(annotation)):
            return "list of tables"
        return f"list of {_type(next(iter(get_args(annotation)), Any))}s"
    if origin is dict:
        return f"table of {_type(get_args(annotation)[1])}s by name"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    bounds = [f"{sign} {getattr(one, name)}" for one in metadata for name, sign in _BOUNDS if hasattr(one, name)]
    return " ".join([_NAMES.get(annotation, getattr(annotation, "__name__", str(annotation))), *bounds])


_BOUNDS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
