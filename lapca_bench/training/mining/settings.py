"""What a recipe says of mining: between which blocks, by whose vectors, and which pairs are kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lapca_bench.toml_model import Strict
from lapca_bench.training.text.linked import BlockSettings


class MiningSettings(Strict):
    """How aligned blocks are found inside linked pages (METHOD item 3).

    `aligner` is a system's name. `method` "lead" pairs the lead blocks of linked pages instead, "gold" takes the
    corpus's own alignment, where it has one. `pages` samples that many link groups (0 = all). With `scope` "global" a
    block's counterpart may stand on any page; `search` finds its neighbours there "exact"ly or, by faiss,
    "approximate"ly.
    """

    method: Literal["margin", "lead", "gold"] = "margin"
    scope: Literal["linked", "global"] = "linked"
    search: Literal["exact", "approximate"] = "exact"
    aligner: str | None = None
    neighbours: int = Field(default=4, ge=1)
    threshold: float = Field(default=1.0, ge=0)
    pages: int = Field(default=0, ge=0)
    exclude_languages: tuple[str, ...] = ()
    split: Literal["train", "held-out", "all"] = "train"
    blocks: BlockSettings = BlockSettings()
