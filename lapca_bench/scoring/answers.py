"""Measures that look for answer strings in retrieved passages: DPR's answer recall and XOR-Retrieve's R@kt.

DPR: answer and passage are NFD-normalised, cut into tokens (a run of letters, digits and marks, or any one character
that is neither a separator nor a control character), lower-cased; a passage holds an answer when the answer's tokens
occur in it one after the other. An answer without a token is held by every passage.

XOR-Retrieve: passages are tokenised with NLTK's `word_tokenize` in rank order and pooled until n tokens are reached,
cut there, and joined with blanks; a question is a hit when one of its answers other than "yes" and "no" is a substring,
in its own case. Answers are not tokenised, so an answer can match inside a word or across two passages, and one with a
double quote can match nowhere; that is the official behaviour and is kept.
"""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapca_bench.errors import InputError, MissingResourceError
from lapca_bench.extras import installing
from lapca_bench.run import Answers, Run
from lapca_bench.types import Document

if TYPE_CHECKING:
    import regex

Tokenize = Callable[[str], list[str]]

_PUNKT_RESOURCE = "nltk-punkt"
_REFETCH = "lapca-bench fetch nltk-punkt"
_PUNKT_TABLES = {"ABBREV_TYPES", "SENT_STARTERS", "COLLOCATIONS", "ORTHO_CONTEXT"}


@cache
def _dpr_pattern() -> regex.Pattern[str]:
    import regex

    return regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")


def dpr_tokens(text: str) -> list[str]:
    """Lower-cased tokens of the NFD form of `text`, as DPR's SimpleTokenizer cuts them."""
    return [token.lower() for token in _dpr_pattern().findall(unicodedata.normalize("NFD", text))]


class AnswerMatcher:
    """Finds a query's answers in passages (DPR matching); the answers are tokenised once."""

    def __init__(self, answers: Iterable[str]) -> None:
        self._answers = [dpr_tokens(answer) for answer in answers]
        self._folded = [[_fold(token) for token in answer] for answer in self._answers]

    def found_in(self, passage: str) -> bool:
        """Whether `passage` holds one of the answers.

        Passages that lack a token of every answer even as a substring are ruled out before they are tokenised: with
        millions of passages that is most of the time.
        """
        folded = _fold(unicodedata.normalize("NFD", passage))
        possible = [
            answer
            for answer, parts in zip(self._answers, self._folded, strict=True)
            if all(part in folded for part in parts)
        ]
        return bool(possible) and _holds(dpr_tokens(passage), possible)


def _fold(text: str) -> str:
    """Lower case with one form of sigma, the one letter whose lower case depends on its neighbours."""
    return text.lower().replace("ς", "σ")


def _holds(passage: Sequence[str], answers: Iterable[Sequence[str]]) -> bool:
    return any(
        passage[i : i + len(answer)] == answer for answer in answers for i in range(len(passage) - len(answer) + 1)
    )


def has_answer(passage: str, answers: Iterable[str]) -> bool:
    """Whether `passage` holds one of `answers` (DPR matching)."""
    return AnswerMatcher(answers).found_in(passage)


def retrieved_texts(run: Run, query: str, texts: Mapping[str, Document]) -> Iterator[str]:
    """The texts (without titles) retrieved for `query`, best first; raises `InputError` for a document without one."""
    for document, _ in run.ranking(query):
        if document not in texts:
            raise InputError(
                f"run {run.name!r} retrieved document {document!r} for query {query!r}, whose text is not given",
                remedy="score the run against the collection that it was made on",
            )
        yield texts[document].text


def answer_recall(
    run: Run, answers: Answers, queries: Sequence[str], texts: Mapping[str, Document], cutoffs: Sequence[int]
) -> list[dict[str, float]]:
    """For each cut-off 1 or 0 per query: whether one of its first k passages holds an answer (DPR matching).

    A query that the run lacks has 0. Passages are read down to the first hit only.
    """
    ranks: dict[str, int | None] = {}
    for query in queries:
        matcher = AnswerMatcher(answers.strings[query])
        ranked = islice(retrieved_texts(run, query, texts), max(cutoffs))
        ranks[query] = next((rank for rank, text in enumerate(ranked, start=1) if matcher.found_in(text)), None)
    return [{query: float(rank is not None and rank <= cutoff) for query, rank in ranks.items()} for cutoff in cutoffs]


def punkt_tokenizer(folder: Path) -> Tokenize:
    """NLTK's `word_tokenize` for English, with the Punkt parameters of the resource in `folder`.

    The parameters are Python literals in a package's module, which is parsed and never imported. Raises
    `MissingResourceError` without NLTK, `InputError` for a file that does not hold the parameters.
    """
    try:
        from nltk.tokenize import NLTKWordTokenizer
        from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    except ImportError as error:
        raise MissingResourceError("NLTK is not installed", remedy=installing("xor")) from error
    tables = _literals(folder / "punkt" / "data" / "english.py")
    parameters = PunktParameters()
    parameters.abbrev_types = set(tables["ABBREV_TYPES"])
    parameters.sent_starters = set(tables["SENT_STARTERS"])
    parameters.collocations = set(tables["COLLOCATIONS"])
    parameters.ortho_context.update(tables["ORTHO_CONTEXT"])
    sentences, words = PunktSentenceTokenizer(parameters), NLTKWordTokenizer()

    def tokenize(text: str) -> list[str]:
        return [token for sentence in sentences.tokenize(text) for token in words.tokenize(sentence)]

    return tokenize


def _literals(path: Path) -> dict[str, Any]:
    """The module-level tables of the parameter file: literals, some wrapped in `frozenset(...)`."""
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
        found = {
            statement.targets[0].id: ast.literal_eval(
                statement.value.args[0] if isinstance(statement.value, ast.Call) else statement.value
            )
            for statement in module.body
            if isinstance(statement, ast.Assign)
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id in _PUNKT_TABLES
        }
    except (OSError, SyntaxError, ValueError, IndexError) as error:
        raise InputError(f"not readable as Punkt parameters: {error}", path=path, remedy=_REFETCH) from error
    if set(found) != _PUNKT_TABLES:
        raise InputError(f"holds no {', '.join(sorted(_PUNKT_TABLES - set(found)))}", path=path, remedy=_REFETCH)
    return found


@cache
def default_tokenizer() -> Tokenize:
    """`punkt_tokenizer` of the fetched resource; raises `MissingResourceError` whose remedy is the fetch command."""
    from lapca_bench.resources import locate

    return punkt_tokenizer(locate(_PUNKT_RESOURCE))


def token_budget_hits(
    ranked: Iterable[str], answers: Iterable[str], budgets: Sequence[int], tokenize: Tokenize
) -> list[bool] | None:
    """For each token budget whether an answer is in it; None when no answer but "yes" and "no" is left.

    `ranked` holds passage texts, best first; no more of them are read than the largest budget needs.
    """
    wanted = [answer for answer in answers if answer not in {"yes", "no"}]
    if not wanted:
        return None
    tokens: list[str] = []
    for text in ranked:
        tokens.extend(tokenize(text))
        if len(tokens) >= max(budgets):
            break
    pooled = [" ".join(tokens[:budget]) for budget in budgets]
    return [any(answer in text for answer in wanted) for text in pooled]


def token_budget_recall(
    run: Run,
    answers: Answers,
    queries: Sequence[str],
    texts: Mapping[str, Document],
    budgets: Sequence[int],
    tokenize: Tokenize,
) -> list[dict[str, float]]:
    """XOR-Retrieve R@kt: for each budget (in tokens) 1 or 0 per query; queries with yes/no answers only are left out.

    This is the strict form: a query without a prediction has 0. Leave out the queries that the run lacks for the
    official form. A `Run` cannot hold a query twice, so duplicates, which the official script counts twice, are
    refused when a run is read.
    """
    values: list[dict[str, float]] = [{} for _ in budgets]
    for query in queries:
        hits = token_budget_hits(retrieved_texts(run, query, texts), answers.strings[query], budgets, tokenize)
        for value, hit in zip(values, hits or [], strict=False):
            value[query] = float(hit)
    return values


def thousand_token_recall(
    run: Run, answers: Answers, queries: Sequence[str], texts: Mapping[str, Document], cutoffs: Sequence[int]
) -> list[dict[str, float]]:
    """`token_budget_recall` for each cut-off in thousands of tokens, by the tokeniser of the official script."""
    budgets = [1000 * cutoff for cutoff in cutoffs]
    return token_budget_recall(run, answers, queries, texts, budgets, default_tokenizer())
