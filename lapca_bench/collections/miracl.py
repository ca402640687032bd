"""MIRACL 1.0, dev split: monolingual retrieval in eighteen languages (Zhang et al., TACL 2023)."""

from __future__ import annotations

from lapca_bench.collections.base import Policy
from lapca_bench.collections.formats.trec import TrecFamily, TrecFiles
from lapca_bench.collections.sources import Source

_HUB = "https://huggingface.co/datasets/miracl"


def _files(language: str) -> TrecFiles:
    folder = f"miracl-v1.0-{language}"

    def source(what: str, origin: str, *places: str, resource: str = "miracl") -> Source:
        below = tuple(f"miracl-v1.0/{place}" for place in places)
        return Source(f"MIRACL 1.0 {what} ({language})", below, origin, resource)

    topics, qrels = f"topics/topics.{folder}-dev.tsv", f"qrels/qrels.{folder}-dev.tsv"
    return TrecFiles(
        topics={"dev": source("dev topics", f"{_HUB}/miracl", topics, f"{folder}/{topics}")},
        qrels={"dev": source("dev qrels", f"{_HUB}/miracl", qrels, f"{folder}/{qrels}")},
        corpus=source(
            "passages",
            f"{_HUB}/miracl-corpus",
            f"miracl-corpus-v1.0-{language}/docs-*.jsonl.gz",
            resource=f"miracl-corpus-{language}",
        ),
    )


MIRACL = TrecFamily("miracl", _files, Policy(measures=("nDCG@10", "R@100"), depth=100), ("dev",))
