"""`lapca-bench score predictions.json --collection xor-retrieve/all`: the authors' format, their value and ours."""

from __future__ import annotations

from pathlib import Path

from lapca_bench.cli.output import say_columns, say_json, tell
from lapca_bench.inputs import compression

ENDINGS = (".json", *(f".json{ending}" for ending in compression.ENDINGS))
BUDGETS = (2000, 5000)


def score_predictions(path: Path, collection: str, split: str | None, *, json: bool) -> None:
    """Print R@2kt and R@5kt of a prediction file by language, official and strict."""
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.inputs.text import read_utf8
    from lapca_bench.run import Answers
    from lapca_bench.scoring.answers import default_tokenizer
    from lapca_bench.scoring.predictions import budget_recall, macro, read_predictions, unknown

    loaded = registry.load(collection, split)
    answers = loaded.relevance()
    if not isinstance(answers, Answers) or not answers.strings:
        remedy = "prediction files are scored against xor-retrieve/all (dev or train)"
        raise UsageError(f"{collection} ({loaded.split}) has no answers to look for", remedy=remedy)
    languages = {query.id: query.language for query in loaded.queries()}
    predictions = read_predictions(read_utf8(path), path)
    if foreign := unknown(predictions, languages):
        few = ", ".join(map(repr, foreign[:3]))
        tell(f"{len(foreign)} of {len(predictions)} predictions belong to no question of {collection} ({loaded.split})")
        tell(f"and are left out, as by the authors' script: {few}{', …' if len(foreign) > 3 else ''}")
    recalls = budget_recall(predictions, answers, languages, BUDGETS, default_tokenizer())
    rows = []
    for recall in recalls:
        for kind, values in (("official", recall.official), ("strict", recall.strict)):
            rows.append((f"R@{recall.budget // 1000}kt", kind, values, macro(values)))
    if json:
        say_json([{"measure": name, "kind": kind, "languages": v, "macro": mean} for name, kind, v, mean in rows])
        return
    columns = sorted(recalls[0].questions)
    say_columns(
        ("measure", "", *columns, "macro"),
        [
            (name, kind, *(f"{values[c]:.4f}" if c in values else "–" for c in columns), f"{mean:.4f}")
            for name, kind, values, mean in rows
        ],
    )
    asked, said = sum(recalls[0].questions.values()), sum(recalls[0].predicted.values())
    tell(f"{said} of {asked} questions are predicted; official leaves the others out, strict counts them as misses")
