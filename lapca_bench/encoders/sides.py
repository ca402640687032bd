"""How an object encodes queries and documents: by one function, or by one for each, with prompts of its own."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lapca_bench.encoders.protocol import VectorSide
from lapca_bench.errors import UsageError

log = logging.getLogger(__name__)

Encode = Callable[..., object]
_NAMES: dict[VectorSide, tuple[str, ...]] = {"query": ("query",), "document": ("document", "passage", "corpus")}


@dataclass(frozen=True)
class Sides:
    """The functions of both sides. `prompts` holds what they are handed as `prompt`, where they take one."""

    query: Encode
    document: Encode
    prompts: Mapping[VectorSide, str] | None = None

    @classmethod
    def of(cls, thing: object, query_prompt: str | None = None, document_prompt: str | None = None) -> Sides:
        """Those of an object or function; a prompt that is given stands before the object's own.

        Raises `UsageError` for what has no `encode` and is no function.
        """
        query, document = (getattr(thing, f"encode_{side}", None) for side in ("query", "document"))
        if not (callable(query) and callable(document)):
            encode = getattr(thing, "encode", None)
            encode = encode if callable(encode) else thing
            if not callable(encode):
                raise UsageError(
                    f"{type(thing).__name__} cannot be an encoder: it has no encode method and is no function",
                    remedy="give it a method encode(self, texts: list[str]) that returns one row per text",
                )
            return cls(encode, encode)
        if not (_takes_prompt(query) and _takes_prompt(document)):
            return cls(query, document)
        given: dict[VectorSide, str | None] = {"query": query_prompt, "document": document_prompt}
        chosen = {side: _prompt(thing, side, given[side]) for side in given}
        _tell_unused(thing, chosen)
        return cls(query, document, chosen)

    @property
    def differ(self) -> bool:
        """Whether the sides have functions of their own."""
        return self.query is not self.document

    def prompt(self, side: VectorSide) -> str:
        """The prompt that this side's function is handed; "" where it takes none."""
        return "" if self.prompts is None else self.prompts[side]

    def encode(self, texts: list[str], side: VectorSide) -> object:
        """What the side's function returns for texts that begin with the side's prompt."""
        function = self.query if side == "query" else self.document
        if self.prompts is None:
            return function(texts)
        prompt = self.prompts[side]
        return function([text.removeprefix(prompt) for text in texts], prompt=prompt)


def _takes_prompt(function: Encode) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(one.name == "prompt" or one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters)


def _prompt(thing: object, side: VectorSide, given: str | None) -> str:
    """The given prompt, else what `encode_query` or `encode_document` of a SentenceTransformer would choose."""
    if given is not None:
        return given
    prompts = getattr(thing, "prompts", None)
    known = prompts if isinstance(prompts, Mapping) else {}
    default = getattr(thing, "default_prompt_name", None)
    names = (*_NAMES[side], *((default,) if isinstance(default, str) else ()))
    return next((str(known[name] or "") for name in names if name in known), "")


def _tell_unused(thing: object, chosen: Mapping[VectorSide, str]) -> None:
    """Warn where a side has no prompt and the object holds some that neither side is given."""
    prompts = getattr(thing, "prompts", None)
    known = prompts if isinstance(prompts, Mapping) else {}
    unused = [f"{name} = {text!r}" for name, text in known.items() if text and text not in chosen.values()]
    bare = [side for side, prompt in chosen.items() if not prompt]
    if unused and bare:
        log.warning("%s: no prompt for %s; not used: %s", type(thing).__name__, " and ".join(bare), ", ".join(unused))
