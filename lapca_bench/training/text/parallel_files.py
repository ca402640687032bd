"""Parallel text files as linked text: line n of every language's file is one page of a single paragraph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lapca_bench.errors import InputError
from lapca_bench.inputs.text import lines
from lapca_bench.training.text.linked import LinkedPage, LinkedParagraph


class ParallelCorpus:
    """Folders `xx-yy` that hold `xx.txt` and `yy.txt` of equal length, such as XOR-TyDi's question pairs.

    Lines whose right side is the same text are linked to each other across folders, so that one English question asked
    in two languages is one page.
    """

    def __init__(self, folder: Path, licence: str = "") -> None:
        self.name = folder.name
        self.licence = licence
        self._folder = folder

    def groups(self) -> Iterator[Sequence[LinkedPage]]:
        """One group per distinct line of the second language; raises `InputError` for files of different lengths."""
        folders = sorted(path for path in self._folder.glob("*-*") if path.is_dir())
        if not folders:
            raise InputError("no folders such as ar-en here", path=self._folder, remedy="point at the parallel files")
        linked: dict[tuple[str, str], dict[str, str]] = {}
        for folder in folders:
            first, _, second = folder.name.partition("-")
            left, right = _lines(folder / f"{first}.txt"), _lines(folder / f"{second}.txt")
            if len(left) != len(right):
                raise InputError(f"{len(left)} lines against {len(right)}", path=folder, remedy="align the files")
            for one, other in zip(left, right, strict=True):
                linked.setdefault((second, other), {}).setdefault(first, one)
        for number, ((language, text), translations) in enumerate(linked.items()):
            link = f"{self.name}/{number}"
            texts = {language: text, **translations}
            yield [LinkedPage(link, code, "", (LinkedParagraph(line, "line"),)) for code, line in sorted(texts.items())]


def _lines(path: Path) -> list[str]:
    return [line.strip() for _, line in lines(path)]
