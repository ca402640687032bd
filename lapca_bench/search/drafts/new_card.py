"""The text of a new card for a model: a folder, a hub repository, or an encoder in a Python file."""

from __future__ import annotations

from pathlib import Path

from lapca_bench.encoders.kinds.user import FILE
from lapca_bench.errors import UsageError
from lapca_bench.search.drafts.card_file import card_text
from lapca_bench.search.drafts.drafted import TO_FILL_IN, drafted, names_weights
from lapca_bench.search.registry import card_of_file


def new_card_text(name: str, folder: Path) -> str:
    """The file's text, to lie in `folder`; raises `UsageError` for what is no model, and what `drafted` raises."""
    if FILE.fullmatch(name):
        place = Path(f"{name.partition('.py:')[0]}.py")
        if not place.is_file():
            raise UsageError("no such file", path=place, remedy="check the path")
        card = card_of_file(name).seen_from(folder)
        return card_text(card, TO_FILL_IN, [f"Made for {name}; every line may be edited."])
    if not names_weights(name):
        message = f"{name!r} is no folder of weights and no hub repository"
        raise UsageError(message, remedy="write ./folder, hub:owner/name or file.py:Class")
    return drafted(name).text(folder)
