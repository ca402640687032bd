"""XOR-Retrieve prediction files, scored twice: as the authors' script counts, and strictly.

The script walks the predictions, so a question without one is silently left out of the mean; the strict value counts
it as a miss, as every other measure here does. Both are given, because published numbers are of the first kind.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.errors import InputError
from lapca_bench.parsing import json_value
from lapca_bench.run import Answers
from lapca_bench.scoring.answers import Tokenize, token_budget_hits


@dataclass(frozen=True)
class Prediction:
    """One line of an XOR-Retrieve prediction file: question id, language as the prediction states it, passage texts."""

    id: str
    language: str
    passages: tuple[str, ...]


_FORM = 'a prediction is {"id": "...", "lang": "...", "ctxs": ["text of the best passage", "..."]}'


@dataclass(frozen=True)
class BudgetRecall:
    """R@kt at one budget of tokens, by language: questions hit, predicted and to be answered."""

    budget: int
    hits: Mapping[str, int]
    predicted: Mapping[str, int]
    questions: Mapping[str, int]

    @property
    def official(self) -> dict[str, float]:
        """By language, hits / predictions; a language without a prediction is absent, as in the script."""
        return {language: self.hits[language] / count for language, count in self.predicted.items() if count}

    @property
    def strict(self) -> dict[str, float]:
        """By language, hits / questions."""
        return {language: self.hits[language] / count for language, count in self.questions.items() if count}


def macro(values: Mapping[str, float]) -> float:
    """The unweighted mean over languages."""
    return sum(values.values()) / len(values)


def read_predictions(content: bytes, path: Path) -> list[Prediction]:
    """The predictions of a file in the authors' format, a JSON list; raises `InputError` naming the first bad entry."""
    try:
        entries = json_value(content)
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise InputError(f"not JSON: {error}", path=path, line=line, remedy=_FORM) from error
    if not isinstance(entries, list):
        raise InputError(f"a list of predictions is needed, not {type(entries).__name__}", path=path, remedy=_FORM)
    return [_prediction(entry, number, path) for number, entry in enumerate(entries, start=1)]


def _prediction(entry: object, number: int, path: Path) -> Prediction:
    match entry:
        case {"id": str() | int() as name, "lang": str() as language, "ctxs": list() as texts} if all(
            isinstance(text, str) for text in texts
        ):
            return Prediction(str(name), language, tuple(texts))
    raise InputError(f"prediction {number} is not in the authors' format", path=path, remedy=_FORM)


def budget_recall(
    predictions: Sequence[Prediction],
    answers: Answers,
    languages: Mapping[str, str],
    budgets: Sequence[int],
    tokenize: Tokenize,
) -> list[BudgetRecall]:
    """R@kt of a prediction file at each budget; `languages` gives the language of every question by id.

    A question's language is the collection's. Raises `InputError` for a question predicted twice (the script counts it
    twice), for a language that is not the question's (the script believes the prediction), and where nothing predicted
    is a question with answers. A prediction for an unknown id is ignored, as in the script (`unknown` lists them).
    """
    _refuse_repeated(predictions)
    wrong = [p for p in predictions if languages.get(p.id, p.language) != p.language]
    if wrong:
        message = f"question {wrong[0].id!r} is predicted as {wrong[0].language!r}, it is {languages[wrong[0].id]!r}"
        raise InputError(message, remedy="give every prediction the language of its question")
    wanted = {name for name, strings in answers.strings.items() if any(s not in {"yes", "no"} for s in strings)}
    hits: list[Counter[str]] = [Counter() for _ in budgets]
    predicted: Counter[str] = Counter()
    for prediction in predictions:
        if prediction.id in wanted:
            found = token_budget_hits(prediction.passages, answers.strings[prediction.id], budgets, tokenize)
            predicted[prediction.language] += 1
            for counter, hit in zip(hits, found or (), strict=True):
                counter[prediction.language] += hit
    if not predicted:
        raise InputError("no prediction belongs to a question with answers", remedy="check the question ids")
    questions = Counter(languages[name] for name in answers.strings if name in wanted)
    return [BudgetRecall(budget, counter, predicted, questions) for budget, counter in zip(budgets, hits, strict=True)]


def unknown(predictions: Sequence[Prediction], languages: Mapping[str, str]) -> list[str]:
    """Ids of predictions that belong to no question, in their order."""
    return [prediction.id for prediction in predictions if prediction.id not in languages]


def _refuse_repeated(predictions: Sequence[Prediction]) -> None:
    repeated = [name for name, times in Counter(prediction.id for prediction in predictions).items() if times > 1]
    if repeated:
        raise InputError(
            f"{len(repeated)} questions are predicted more than once, such as {repeated[0]!r}",
            remedy="keep one prediction per question",
        )
