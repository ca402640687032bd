"""Frozen vectors of aligned text: what heads over an encoder are trained on.

The text is the gold alignment of the help pages, training part: a paragraph in English and its translations. No text
of it, in any language, stands on a held-out page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lapca_bench.collections.help_pages.bitext import aligned_paragraphs
from lapca_bench.collections.help_pages.collection import TRANSLATIONS
from lapca_bench.collections.help_pages.store import ENGLISH
from lapca_bench.digest import digest_texts
from lapca_bench.encoders.protocol import Encoder, Vectors
from lapca_bench.errors import InputError
from lapca_bench.run import Int64
from lapca_bench.store.vectors import VectorStore
from lapca_bench.types import Document, Query

Flags = npt.NDArray[np.bool_]

LENGTHS = range(31, 121)  # characters of the English text: a sentence, no label and no list


@dataclass(frozen=True)
class AlignedTexts:
    """Parallel columns: text i is in language `languages[i]` and translates every text of the same `groups[i]`.

    Texts of one language come one after the other, languages in order.
    """

    texts: Sequence[str]
    languages: Sequence[str]
    groups: Int64


def help_page_texts(paragraphs: int, translations: Sequence[str] = TRANSLATIONS) -> AlignedTexts:
    """English paragraphs that most of `translations` have, at most `paragraphs` of them, and what translates each.

    Chosen by the digest of the English text, so that a larger number holds all of a smaller one. Raises
    `MissingResourceError` where the packages are not here, `InputError` where nothing is aligned.
    """
    found: dict[str, dict[str, str]] = {}
    for language in translations:
        for pair in aligned_paragraphs(ENGLISH, language, "train"):
            if len(pair.first) in LENGTHS:
                found.setdefault(pair.first, {ENGLISH: pair.first})[language] = pair.second
    most = [text for text, versions in found.items() if len(versions) > 0.8 * len(translations)]
    chosen = sorted(most, key=lambda text: digest_texts([text]))[:paragraphs]
    if not chosen:
        raise InputError("the help pages hold no text in most of these languages", remedy="take fewer languages")
    rows = sorted(
        (language, group, text) for group, first in enumerate(chosen) for language, text in found[first].items()
    )
    return AlignedTexts(
        [text for _, _, text in rows],
        [language for language, _, _ in rows],
        np.array([group for _, group, _ in rows], dtype=np.int64),
    )


@dataclass(frozen=True)
class FrozenVectors:
    """`AlignedTexts` as an encoder sees them: row i is `(dimension,)` float32 of text i, L2-normalised where cosine.

    Half of the texts are encoded as queries (`asked`), half as documents, for an encoder with prompts is two encoders.
    `language` numbers the entries of `names`; rows of one `groups` number translate each other.
    """

    vectors: Vectors
    asked: Flags
    language: Int64
    groups: Int64
    names: Sequence[str]


def encode(encoder: Encoder, aligned: AlignedTexts, store: VectorStore) -> FrozenVectors:
    """The vectors, kept in `store`. Neighbouring languages of one group fall on different sides."""
    names = sorted(set(aligned.languages))
    language = np.array([names.index(one) for one in aligned.languages], dtype=np.int64)
    asked = (language + aligned.groups) % 2 == 0
    rows = list(zip(aligned.texts, aligned.languages, asked, strict=True))
    vectors = np.empty((len(rows), encoder.dimension), dtype=np.float32)
    queries = [Query(str(i), text, code) for i, (text, code, query) in enumerate(rows) if query]
    documents = [Document(str(i), text, language=code) for i, (text, code, query) in enumerate(rows) if not query]
    vectors[asked] = store.queries(encoder, queries)
    vectors[~asked] = np.concatenate(list(store.documents(encoder, documents).matrices()))
    return FrozenVectors(vectors, asked, language, aligned.groups, names)
