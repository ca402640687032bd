"""XOR-Retrieve, Mr. TyDi and MKQA in small: invented texts in the exact layout that their publishers serve.

`World.make` writes nothing: it gives the files by the path at which a mirror keeps them (HOST/PATH), the catalogue of
resources that fetches them, and the counts that the loaders expect. Run as a module, it is `lapca-bench` in that world.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import random
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import pytest

from lapca_bench import resources
from lapca_bench.collections import catalogue, registry
from lapca_bench.collections.catalogue import Catalogue
from lapca_bench.resources import Resource
from lapca_bench.resources.checksum import Expected
from lapca_bench.resources.http_source import HttpFiles, RemoteFile

XOR = ("ar", "bn", "fi", "ja", "ko", "ru", "te")
TYDI = ("sw", "te", "th")
WORDS = [
    f"{a}{b}{c}" for a in ("ka", "lo", "mi", "ne", "ru") for b in ("da", "fu", "li", "so") for c in ("n", "ra", "k")
]
PUNKT = b"ABBREV_TYPES = ['dr']\nSENT_STARTERS = []\nCOLLOCATIONS = []\nORTHO_CONTEXT = {}\n"
MEASURED = ("xor-retrieve", "mr-tydi", "mkqa-bge", "mkqa-contriever")


def _jsonl(records: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


@dataclass(frozen=True)
class World:
    """Small corpora of `passages` passages each, the same for the same seed."""

    passages: int = 200
    seed: int = 1

    @cached_property
    def texts(self) -> list[tuple[str, str]]:
        """(title, text) of every passage: words at random and one name that no other passage holds."""
        chance = random.Random(self.seed)
        return [(f"Title{n}", f"{' '.join(chance.choices(WORDS, k=30))} Name{n}x") for n in range(self.passages)]

    def _asked(self, number: int) -> str:
        """A question whose words are some of its passage's."""
        return " ".join(random.Random(number).sample(self.texts[number][1].split()[:-1], 8))

    @cached_property
    def files(self) -> Mapping[str, dict[str, bytes]]:
        """By resource, the content at each of its addresses."""
        xor = "https://nlp.cs.washington.edu/xorqa/XORQA_site/data"
        questions = [
            {"id": str(10 * n + at), "question": self._asked(n), "lang": language, "answers": [f"Name{n}x"]}
            for at, language in enumerate(XOR)
            for n in range(5)
        ]
        rows = "".join(f"{n}\t{text}\t{title}\n" for n, (title, text) in enumerate(self.texts, start=1))
        passages = f"id\ttext\ttitle\n{rows}".encode()
        mkqa = [
            {
                "example_id": 100 + n,
                "queries": dict.fromkeys(_MKQA, self._asked(n)),
                "answers": {"en": [{"type": "entity", "text": f"Name{n}x", "aliases": []}]},
            }
            for n in range(6)
        ]
        beir = [{"_id": f"doc{n}", "title": title, "text": text} for n, (title, text) in enumerate(self.texts)]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("nq/corpus.jsonl"), _jsonl(beir))
        return {
            "nltk-punkt": {"https://example.org/punkt/english.py": PUNKT},
            "xor-retrieve": {f"{xor}/xor_dev_retrieve_eng_span_v1_1.jsonl": _jsonl(questions)},
            "xor-retrieve-corpus": {f"{xor}/models/enwiki_20190201_w100.tsv": passages},
            "mkqa": {
                "https://github.com/apple/ml-mkqa/raw/main/dataset/mkqa.jsonl.gz": gzip.compress(_jsonl(mkqa), mtime=0)
            },
            "psgs-w100": {
                "https://dl.fbaipublicfiles.com/dpr/wikipedia_split/psgs_w100.tsv.gz": gzip.compress(passages, mtime=0)
            },
            "beir-nq": {"https://public.ukp.informatik.tu-darmstadt.de/thakur/BEIR/datasets/nq.zip": packed.getvalue()},
            "mr-tydi": {address: content for language in TYDI for address, content in self._judged(language).items()},
            **{f"mr-tydi-corpus-{language}": self._corpus(language) for language in TYDI},
        }

    def _judged(self, language: str) -> dict[str, bytes]:
        base = "https://raw.githubusercontent.com/castorini/anserini-tools/5b819c1a45c8a0a3ec9426f476694f44a29dfaf3"
        name = f"mrtydi-v1.1-{language}.test"
        topics = "".join(f"{n}\t{self._asked(n)}\n" for n in range(5))
        qrels = "".join(f"{n} Q0 {n}#0 1\n" for n in range(5))
        return {
            f"{base}/topics/topics.{name}.txt.gz": gzip.compress(topics.encode(), mtime=0),
            f"{base}/qrels/qrels.{name}.txt": qrels.encode(),
        }

    def _corpus(self, language: str) -> dict[str, bytes]:
        folder = f"mrtydi-v1.1-{ {'sw': 'swahili', 'te': 'telugu', 'th': 'thai'}[language] }"
        address = f"https://huggingface.co/datasets/castorini/mr-tydi-corpus/resolve/main/{folder}/corpus.jsonl.gz"
        records = [{"docid": f"{n}#0", "title": title, "text": text} for n, (title, text) in enumerate(self.texts)]
        return {address: gzip.compress(_jsonl(records), mtime=0)}

    @property
    def served(self) -> dict[str, list[bytes]]:
        """The files of a mirror by path, as `BadServer` takes them."""
        return {
            f"/{urlsplit(url).netloc}{urlsplit(url).path}": [content]
            for files in self.files.values()
            for url, content in files.items()
        }

    @property
    def resources(self) -> dict[str, Resource]:
        """The catalogue's entries of these files; corpora without a published digest have none here either."""
        found = {}
        for name, files in self.files.items():
            real = resources.catalog()[name]
            paths = {file.url: file.path for file in getattr(real.origin, "files", ())}
            pinned = real.origin.pinned is not None
            remote = tuple(
                RemoteFile(
                    paths.get(url, "punkt/data/english.py" if name == "nltk-punkt" else urlsplit(url).path[1:]),
                    url,
                    Expected(sha256=hashlib.sha256(content).hexdigest()) if pinned else Expected(),
                    len(content) if pinned else 0,
                )
                for url, content in files.items()
            )
            origin = HttpFiles(name, "the mirror", remote)
            found[name] = dataclasses.replace(real, size=sum(file.size for file in remote), origin=origin)
        return found

    @property
    def expected(self) -> dict[str, dict[str, Any]]:
        """By family the counts of this world, in the catalogue's shape."""
        judged = {"queries": 5, "judgements": 5, "judged queries": 5}
        questions = {"questions": 6, "kept questions": 6, "documents": self.passages}
        return {
            "xor-retrieve": {"documents": self.passages, "dev": {"questions": {"all": 35}}},
            "mr-tydi": {language: {"documents": self.passages, "test": judged} for language in TYDI},
            "mkqa-bge": questions,
            "mkqa-contriever": questions,
        }

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Make this the world: what `fetch` knows and what the loaders expect."""
        known = {**resources.catalog(), **self.resources}
        patch.setattr(resources, "catalog", lambda: known)
        real = catalogue.read_catalogue

        def changed(name: str) -> Catalogue:
            found = real(name)
            return dataclasses.replace(found, expected=self.expected[name], digests={}) if name in MEASURED else found

        patch.setattr(catalogue, "read_catalogue", changed)
        for name in MEASURED:
            vars(registry.families()[name]).pop("catalogue", None)
            patch.setitem(vars(registry.families()[name]), "catalogue", changed(name))


_MKQA = (
    "ar", "da", "de", "en", "es", "fi", "fr", "he", "hu", "it", "ja", "km", "ko", "ms", "nl", "no", "pl", "pt", "ru",
    "sv", "th", "tr", "vi", "zh_cn", "zh_hk", "zh_tw",
)  # fmt: skip

if __name__ == "__main__":
    from lapca_bench.cli.main import main

    World().install(pytest.MonkeyPatch())
    sys.argv[0] = "lapca-bench"
    main()
