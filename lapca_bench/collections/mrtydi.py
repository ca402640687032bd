"""Mr. TyDi 1.1: monolingual retrieval in eleven languages (Zhang et al., MRL 2021; castorini/mr.tydi).

Scored as `trec_eval -c -M 100 -m recip_rank -m recall.100` does: a query that a run lacks counts as zero. Found either
as Anserini keeps it (`topics/topics.mrtydi-v1.1-ar.test.txt.gz`) or as its authors pack it (`mrtydi-v1.1-arabic/`).
"""

from __future__ import annotations

from lapca_bench.collections.base import Policy
from lapca_bench.collections.formats.trec import TrecFamily, TrecFiles
from lapca_bench.collections.sources import Source

SPLITS = ("test", "dev", "train")

_NAMES = {
    "ar": "arabic",
    "bn": "bengali",
    "en": "english",
    "fi": "finnish",
    "id": "indonesian",
    "ja": "japanese",
    "ko": "korean",
    "ru": "russian",
    "sw": "swahili",
    "te": "telugu",
    "th": "thai",
}
_SITE = "https://git.uwaterloo.ca/jimmylin/mr.tydi/-/raw/master/data"


def _files(language: str) -> TrecFiles:
    folder = f"mrtydi-v1.1-{_NAMES[language]}"
    origin = f"{_SITE}/{folder}.tar.gz (unpack it in mr-tydi-v1.1/)"

    def source(what: str, *places: str, resource: str = "mr-tydi") -> Source:
        below = tuple(f"mr-tydi-v1.1/{place}" for place in places)
        return Source(f"Mr. TyDi 1.1 {what} ({language})", below, origin, resource)

    return TrecFiles(
        topics={
            split: source(
                f"{split} topics",
                f"{folder}/topic.{split}.tsv",
                f"topics/topics.mrtydi-v1.1-{language}.{split}.txt.gz",
                f"topics/topics.mrtydi-v1.1-{language}.{split}.txt",
            )
            for split in SPLITS
        },
        qrels={
            split: source(
                f"{split} qrels",
                f"{folder}/qrels.{split}.txt",
                f"qrels/qrels.mrtydi-v1.1-{language}.{split}.txt",
            )
            for split in SPLITS
        },
        corpus=source(
            "passages",
            f"{folder}/collection/docs.jsonl.gz",
            f"{folder}/corpus.jsonl.gz",
            resource=f"mr-tydi-corpus-{language}",
        ),
    )


MR_TYDI = TrecFamily("mr-tydi", _files, Policy(measures=("RR@100", "R@100"), depth=100), SPLITS)
