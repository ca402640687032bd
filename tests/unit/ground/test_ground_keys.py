"""docs/cards.md lists the keys of every file as the models that read them have them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_of_keys_is_what_the_models_say() -> None:
    spec = importlib.util.spec_from_file_location("keys_page", ROOT / "tools" / "keys.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "cards.md").read_text(encoding="utf-8")
    assert module.page() == written, "a model has changed: run `python tools/keys.py docs/cards.md`"
