"""`EncoderIdentity`: everything that changes a vector, as data. Its digest keys every cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import BaseModel

from lapca_bench.digest import digest_value

Setting = str | int | float | bool | None


@dataclass(frozen=True)
class EncoderIdentity:
    """The name shown to a reader and the settings that numbers depend on.

    `settings` holds, for a transformer: digests of weights and tokenizer, prompts of both sides, maximum lengths,
    pooling, head, normalisation, dtype, backend; `versions` the libraries whose releases change numbers. Batch size,
    device and thread count are left out: they change a vector by rounding only.
    """

    name: str
    settings: Mapping[str, Setting]
    versions: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over settings and versions; the display name takes no part."""
        return digest_value({"settings": dict(self.settings), "versions": dict(self.versions)})


class NotIdentity:
    """Marks a field of settings that takes no part in an identity: `Annotated[str, NotIdentity]`.

    Either it says where something lies whose content has a digest of its own, or it changes no number.
    """


class IdentityIfSet:
    """Marks a field that takes part in an identity where it is not None.

    For settings that came later: what was stored without them is still what it was.
    """


def identity_settings(settings: BaseModel) -> dict[str, Setting]:
    """The values of all fields without the mark, those of inner models and tables as "head.activation"."""
    flat: dict[str, Setting] = {}
    for name, about in type(settings).model_fields.items():
        if NotIdentity in about.metadata:
            continue
        value = getattr(settings, name)
        if value is None and IdentityIfSet in about.metadata:
            continue
        inner = identity_settings(value) if isinstance(value, BaseModel) else value
        if isinstance(inner, dict):
            flat.update({f"{name}.{key}": item for key, item in inner.items()})
        else:
            flat[name] = inner
    return flat
