"""Measures as values: `parse("nDCG@10")` gives a `Measure`, `str` gives the text back; equal texts are equal measures.

A name says everything that changes the number: the cut-off and its unit, the gain (`nDCG` is linear as in trec_eval,
`nDCG_exp` exponential), the denominator (`R` all relevant documents, `R_cap` at most k of them, `Success` hit or miss)
and what is matched (`R` judged documents, `AnswerRecall` and `R@2kt` answer strings). Reciprocal rank is written `RR@k`
here, since the mean is taken by the table and not by the measure; `MRR@k` is read as the same measure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from lapca_bench.errors import UsageError, unknown_name

Need = Literal["judgements", "answers", "texts", "document languages"]
Cutoff = Literal["required", "optional", "none"]


@dataclass(frozen=True)
class Definition:
    """What every measure of one name has in common.

    `function` is the module of this package that computes it and its name there; what a function of a module is given
    and gives back stands in that module. `unit` follows the number in the text ("kt": thousand tokens).
    `of_predicted`: queries that the run lacks are left out instead of counting 0.
    """

    name: str
    cutoff: Cutoff
    needs: frozenset[Need]
    function: str
    text: str
    source: str
    unit: str = ""
    of_predicted: bool = False

    @property
    def form(self) -> str:
        """How the measure is written, with `k` for the number."""
        return {"required": f"{self.name}@k{self.unit}", "optional": f"{self.name}[@k]", "none": self.name}[self.cutoff]

    @property
    def by_rank(self) -> bool:
        """Whether it reads nothing but the grades in the order of the run, as all of `ranking` do."""
        return self.function.startswith("ranking:")

    def load(self) -> Callable[..., Any]:
        """The function."""
        module, _, name = self.function.partition(":")
        loaded: Callable[..., Any] = getattr(import_module(f"lapca_bench.scoring.{module}"), name)
        return loaded


_JUDGED: frozenset[Need] = frozenset({"judgements"})
_ANSWERS: frozenset[Need] = frozenset({"answers", "texts"})
_LANGUAGES: frozenset[Need] = frozenset({"judgements", "document languages"})
_TREC_EVAL = "trec_eval (usnistgov/trec_eval)"

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "nDCG",
        "required",
        _JUDGED,
        "ranking:ndcg",
        "sum of grade / log2(rank + 1) over the first k, divided by that of the ideal order; linear gain, "
        "negative grades gain nothing",
        f"Järvelin and Kekäläinen, TOIS 2002; {_TREC_EVAL}, ndcg_cut",
    ),
    Definition(
        "nDCG_exp",
        "required",
        _JUDGED,
        "ranking:ndcg_exponential",
        "as nDCG with the exponential gain 2^grade - 1; the two agree for binary grades only",
        "Burges et al., ICML 2005; the gdeval script of TREC Web",
    ),
    Definition(
        "RR",
        "optional",
        _JUDGED,
        "ranking:reciprocal_rank",
        "1 / rank of the first relevant document, 0 when none is among the first k; its mean is MRR@k",
        f"{_TREC_EVAL}, recip_rank with -M k",
    ),
    Definition(
        "R",
        "required",
        _JUDGED,
        "ranking:recall",
        "relevant documents among the first k / all relevant documents",
        f"{_TREC_EVAL}, recall",
    ),
    Definition(
        "R_cap",
        "required",
        _JUDGED,
        "ranking:recall_capped",
        "relevant documents among the first k / min(relevant documents, k)",
        "MTEB, recall_cap; BEIR (Thakur et al., 2021), capped recall",
    ),
    Definition(
        "Success",
        "required",
        _JUDGED,
        "ranking:success",
        "1 when a relevant document is among the first k, else 0 (hit rate)",
        f"{_TREC_EVAL}, success",
    ),
    Definition(
        "P",
        "required",
        _JUDGED,
        "ranking:precision",
        "relevant documents among the first k / k, however many were retrieved",
        f"{_TREC_EVAL}, P",
    ),
    Definition(
        "AP",
        "optional",
        _JUDGED,
        "ranking:average_precision",
        "sum of the precision at each relevant document retrieved (among the first k) / all relevant documents",
        f"{_TREC_EVAL}, map and map_cut",
    ),
    Definition(
        "AP_cap",
        "required",
        _JUDGED,
        "ranking:average_precision_capped",
        "as AP@k with the divisor min(relevant documents, k)",
        "LAReQA's mAP@20 as XTREME-R computes it (third_party/utils_lareqa.py)",
    ),
    Definition(
        "Accuracy",
        "none",
        _JUDGED,
        "ranking:accuracy",
        "1 when the first document is relevant, else 0",
        "Tatoeba as in LASER (Artetxe and Schwenk, TACL 2019) and XTREME",
    ),
    Definition(
        "F1",
        "none",
        _JUDGED,
        "bitext:retrieval_f1",
        "F1 of the query's relevant document as a class, over the first documents of all queries of its language; the "
        "mean is the support-weighted F1 of aligned sentence pairs. Needs exactly one relevant document per query",
        "MTEB bitext mining (sklearn f1_score, average='weighted')",
    ),
    Definition(
        "AnswerRecall",
        "required",
        _ANSWERS,
        "answers:answer_recall",
        "1 when one of the first k passages holds an answer: NFD, tokens of letters, digits and marks, lower case, "
        "contiguous; title not searched",
        "DPR (Karpukhin et al., EMNLP 2020); Contriever src/evaluation.py; MKQA R@20 of Contriever and BGE-M3",
    ),
    Definition(
        "R",
        "required",
        _ANSWERS,
        "answers:thousand_token_recall",
        "1 when an answer is a substring of the first k thousand tokens of the retrieved passages; a missing "
        "prediction is a miss; questions answered by yes or no only are left out",
        "XOR-Retrieve (Asai et al., NAACL 2021), denominator = questions",
        unit="kt",
    ),
    Definition(
        "R_official",
        "required",
        _ANSWERS,
        "answers:thousand_token_recall",
        "as R@kkt, with questions that have no prediction left out as the authors' script does",
        "XOR-Retrieve, AkariAsai/XORQA evals/eval_xor_retrieve.py, denominator = predictions",
        unit="kt",
        of_predicted=True,
    ),
    Definition(
        "PEER",
        "required",
        _LANGUAGES,
        "bias:peer",
        "probability that the relevant documents of all languages have the same expected rank among the first k: "
        "p-value of the Kruskal-Wallis test, averaged over the query's positive grades; 1 is fair",
        "Yang, Jänich, Mayfield and Lawrie, SIGIR 2024, doi:10.1145/3626772.3657943",
    ),
    Definition(
        "AWRF",
        "required",
        _LANGUAGES,
        "bias:awrf",
        "1 - Jensen-Shannon divergence (natural logarithm, so at least 1 - ln 2 = 0.307) between the languages' shares "
        "of the attention 1 / log2(max(rank, 2)) over the first k and their shares among the relevant documents; "
        "1 is fair",
        "Sapiezynski et al., WWW 2019 companion; Ekstrand et al., TREC Fair Ranking 2021",
    ),
)

_BY_KEY: dict[tuple[str, str], Definition] = {(d.name, d.unit): d for d in DEFINITIONS}

# Other spellings in use, lower case; canonical names are accepted in any case as well.
_SPELLINGS: dict[str, str] = {
    "mrr": "RR",
    "recip_rank": "RR",
    "recall": "R",
    "recall_cap": "R_cap",
    "hit": "Success",
    "hits": "Success",
    "hit_rate": "Success",
    "hitrate": "Success",
    "precision": "P",
    "map": "AP",
    "map_cap": "AP_cap",
    "ndcg_burges": "nDCG_exp",
    "acc": "Accuracy",
} | {definition.name.lower(): definition.name for definition in DEFINITIONS}

_FORM = re.compile(r"(?P<name>[A-Za-z_]+[0-9]?)(?:@(?P<cutoff>[0-9]+)(?P<unit>[a-z]*))?")


@dataclass(frozen=True)
class Measure:
    """One measure at one cut-off. Make it with `parse`; a direct construction is checked the same way."""

    name: str
    cutoff: int | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        """Raise `UsageError` for a name, unit or cut-off that no measure has."""
        definition = _BY_KEY.get((self.name, self.unit))
        if definition is None:
            raise unknown_name("measure", str(self), forms())
        if self.cutoff is None and definition.cutoff == "required":
            raise UsageError(f"measure {self.name!r} needs a cut-off", remedy=f"write {definition.form}")
        if self.cutoff is not None and definition.cutoff == "none":
            raise UsageError(f"measure {self.name!r} has no cut-off", remedy=f"write {definition.form}")
        if self.cutoff is not None and self.cutoff < 1:
            raise UsageError(f"the cut-off of {self} must be at least 1", remedy=f"write {definition.form}")

    def __str__(self) -> str:
        return self.name if self.cutoff is None else f"{self.name}@{self.cutoff}{self.unit}"

    @property
    def definition(self) -> Definition:
        """What it means, where it comes from and what it needs."""
        return _BY_KEY[self.name, self.unit]

    @property
    def needs(self) -> frozenset[Need]:
        """What must be given besides the run."""
        return self.definition.needs

    @property
    def by_rank(self) -> bool:
        """Whether it reads nothing but the grades in the order of the run."""
        return self.definition.by_rank

    @property
    def depth(self) -> int | None:
        """Documents per query that can change the value; None where that is not known beforehand."""
        if self.unit:
            return None
        return 1 if self.definition.cutoff == "none" else self.cutoff


def forms() -> list[str]:
    """How every measure is written, with `k` for the number: for help texts and nearest names."""
    return [definition.form for definition in DEFINITIONS]


def parse(text: str | Measure) -> Measure:
    """The measure that `text` names; other common spellings ("MRR@10", "recall_cap@5", any case) are accepted.

    Raises `UsageError` with the nearest names for an unknown one, and for a missing or impossible cut-off.
    """
    if isinstance(text, Measure):
        return text
    found = _FORM.fullmatch(text.strip())
    name = _SPELLINGS.get(found["name"].lower()) if found else None
    if found is None or name is None:
        raise unknown_name("measure", text, forms())
    return Measure(name, int(found["cutoff"]) if found["cutoff"] else None, found["unit"] or "")
