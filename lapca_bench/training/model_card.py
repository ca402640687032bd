"""The model card that goes with every trained model: what it is, its data, its settings, what was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import wrap

from lapca_bench.training.history import HistoryEntry
from lapca_bench.training.recipe import Recipe

_MEASURED = (
    "## Measured while training (held-out text, never an evaluation collection)",
    "",
    "| step | measure | value |",
    "|---|---|---|",
)


def model_card(recipe: Recipe, facts: Mapping[str, object], step: int, history: Sequence[HistoryEntry]) -> str:
    """Markdown with a YAML head, as model hubs read it. `facts` are rows of the data table, such as the command."""
    head = [
        "---",
        f"license: {recipe.licence}" if recipe.licence else "license: other",
        "library_name: sentence-transformers",
        "pipeline_tag: sentence-similarity",
        f"tags: [cross-lingual-retrieval, {recipe.name}]",
        "---",
    ]
    rows = [f"| {name} | {value} |" for name, value in facts.items()]
    results = [
        f"| {entry['step']} | {name} | {value:.4f} |"
        for entry in history
        for name, value in entry.get("evaluation", {}).items()
    ]
    settings = json.dumps(recipe.model_dump(mode="json"), indent=2, ensure_ascii=False, sort_keys=True)
    return "\n".join(
        [
            *head,
            "",
            f"# {recipe.title or recipe.name}",
            "",
            *wrap(recipe.about, 118),
            "Trained with lapca-bench.",
            "",
            "| what | value |",
            "|---|---|",
            f"| start model | {recipe.encoder.checkpoint} |",
            f"| steps | {step} of {recipe.optimisation.steps} |",
            *rows,
            *(["", *_MEASURED, *results] if results else []),
            "",
            "## Settings",
            "",
            "```json",
            settings,
            "```",
            "",
        ]
    )
