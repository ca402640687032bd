"""Making a head as a verb: a dense system by name, a method by name, a file with what is known of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from lapca_bench.digest import digest_texts
from lapca_bench.encoders.postprocessing import Method, fit
from lapca_bench.encoders.weights.head_file import write_head
from lapca_bench.errors import UsageError, unknown_name
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.registry import build_system
from lapca_bench.search.workspace import Workspace
from lapca_bench.training.heads.frozen import encode, help_page_texts
from lapca_bench.training.heads.methods import METHODS
from lapca_bench.training.heads.pairs import HeadTrainingSettings
from lapca_bench.training.heads.train import TrainedHead, train_head

FITS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class MadeHead:
    """A head's file, the texts and languages that it was made on, and its training; None where it was fitted."""

    path: Path
    texts: int
    languages: int
    training: TrainedHead | None = None


def make_head(
    method: str, system_name: str, out: Path, paragraphs: int, settings: HeadTrainingSettings, components: int | None
) -> MadeHead:
    """Train or fit `method` over the vectors of a dense system and write `out`.

    Raises `UsageError` for an unknown method or a system without vectors.
    """
    if method not in (*METHODS, *FITS):
        raise unknown_name("method", method, [*METHODS, *FITS])
    system = build_system(system_name, Workspace())
    if not isinstance(system, DenseSystem):
        raise UsageError(f"{system_name} is no dense system", key="--system", remedy="name a dense one")
    texts = help_page_texts(paragraphs)
    frozen = encode(system.encoder, texts, system.store)
    about = {
        "system": system_name,
        "encoder": system.encoder.identity.digest,
        "texts": f"{len(texts.texts)} of help-pages, train, {len(frozen.names)} languages",
        "texts digest": digest_texts(texts.texts),
    }
    for one in FITS:
        if method == one:
            by_language = {name: frozen.vectors[frozen.language == number] for number, name in enumerate(frozen.names)}
            write_head(out, fit(one, by_language, components), about)
            return MadeHead(out, len(texts.texts), len(frozen.names))
    trained = train_head(method, frozen, settings)
    accuracy = {"before": f"{trained.before:.4f}", "after": f"{trained.after:.4f}"}
    made = {key: str(value) for key, value in asdict(settings).items()}
    write_head(out, trained.head, about | made | accuracy | {"epoch": str(trained.epoch)})
    return MadeHead(out, len(texts.texts), len(frozen.names), trained)
