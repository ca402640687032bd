"""A card from a folder of weights or the name of a hub repository: what is decided is told once, and can be edited."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from lapca_bench.encoders.drafts import EncoderDraft, draft
from lapca_bench.encoders.weights.checkpoint import HUB, find
from lapca_bench.errors import UsageError
from lapca_bench.search.card import SystemCard
from lapca_bench.search.drafts.card_file import card_text
from lapca_bench.search.drafts.model_readme import ModelReadme
from lapca_bench.search.kinds import card_class

log = logging.getLogger(__name__)

_HUB_NAME = re.compile(r"\w[\w.-]*/[\w.-]+(@[\w./-]+)?", re.ASCII)
_UNKNOWN_TRAINING = "Made from the checkpoint's own files; what it was trained on is not known: fill in trained_on."
_told: set[str] = set()


@dataclass(frozen=True)
class DraftedCard:
    """A card, and for its keys where their values were read."""

    card: SystemCard
    encoder: EncoderDraft
    place: str

    @property
    def summary(self) -> str:
        """What was decided, in one line."""
        values = {key: value for key, value in self.encoder.values.items() if key != "checkpoint"}
        shown = ", ".join(
            f"{key} = {value!r}" if isinstance(value, str) else f"{key} = {value}" for key, value in values.items()
        )
        return f"{self.place}: {self.encoder.kind} ({shown})"

    def text(self, folder: Path | None = None) -> str:
        """The card's file with comments, to lie in `folder`: paths in it are seen from there."""
        card = self.card if folder is None else self.card.seen_from(folder)
        reasons = {f"{self.encoder.table}.{key}": why for key, why in self.encoder.reasons.items()}
        head = [f"Made from {self.place}; every line may be edited.", *self.encoder.warnings]
        return card_text(card, reasons | TO_FILL_IN, head)


TO_FILL_IN = {
    "trained_on": "families of collections whose training data it saw; it counts as zero-shot elsewhere",
    "languages": '["*"] is any',
}


def names_weights(name: str) -> bool:
    """Whether `name` is a folder here, "hub:owner/name" or "owner/name", with "@revision" or without."""
    return name.startswith(HUB) or Path(name).expanduser().is_dir() or _HUB_NAME.fullmatch(name) is not None


def drafted(name: str) -> DraftedCard:
    """The card for a folder or hub repository; tells what was decided the first time, and what to look at.

    Raises `MissingResourceError` where the hub's cache does not hold it, `InputError` where it cannot be read.
    """
    path = Path(name).expanduser()
    local = not name.startswith(HUB) and path.is_dir()
    folder, checkpoint, revision = (path, str(path.resolve()), None) if local else _of_hub(name)
    found = draft(folder, checkpoint)
    readme = ModelReadme.beside(folder)
    title = path.resolve().name if local else checkpoint
    table = dict(found.values) if revision is None else {**found.values, "revision": revision}
    values = {
        "name": title.rpartition("/")[2],
        "title": title,
        "kind": found.kind,
        "licence": readme.licence or "not stated",
        "citation": "",
        "url": "" if local else f"https://huggingface.co/{checkpoint}",
        "languages": readme.languages or ["*"],
        "trained_on": [],
        "note": _UNKNOWN_TRAINING,
        "requires": [found.requires],
        found.table: table,
    }
    made = DraftedCard(card_class(values).model_validate(values), found, name)
    if name not in _told:
        _told.add(name)
        log.info("%s", made.summary)
        for warning in found.warnings:
            log.warning("%s: %s", name, warning)
    return made


def _of_hub(name: str) -> tuple[Path, str, str | None]:
    """The folder in the hub's cache, the repository and the commit that lies there."""
    repository, _, revision = name.removeprefix(HUB).partition("@")
    if not _HUB_NAME.fullmatch(repository):
        raise UsageError(f"{name!r} names no hub repository", remedy="write hub:owner/name or hub:owner/name@revision")
    folder = find(repository, revision or None)
    pinned = folder.name if folder.parent.name == "snapshots" else revision or None
    return folder, repository, pinned
