"""The texts of LibreOffice's interface as linked text: every message with its translations.

Source: the gettext catalogues in Debian's packages `libreoffice-l10n-*`. They reach languages that the help lacks.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lapca_bench.digest import digest_texts
from lapca_bench.errors import InputError, MissingResourceError
from lapca_bench.resources import locate
from lapca_bench.resources.archives import members
from lapca_bench.training.text.linked import LinkedPage, LinkedParagraph

RESOURCE = "interface-texts"
_PACKAGE = re.compile(r"libreoffice-l10n-([a-z]{2})(-[a-z]+)?_.*\.deb$")
_MARKUP = re.compile(r"<[^>]+>|[~_]")  # tags and the marks of keyboard shortcuts
_CONTEXT = "\x04"  # gettext's divider between a message's context and the message


class InterfaceTextsCorpus:
    """One page per English message, with its translations; messages of a few characters are no sentences."""

    name = RESOURCE
    licence = "MPL-2.0"

    def __init__(self, minimum_characters: int = 20) -> None:
        self._minimum = minimum_characters

    def groups(self) -> Iterator[Sequence[LinkedPage]]:
        """Messages in the order of the catalogues; raises `MissingResourceError` where the packages are not here."""
        linked: dict[str, dict[str, str]] = {}
        for language, package in _packages():
            for message, translation in _messages(package):
                if len(message) >= self._minimum and translation != message:
                    linked.setdefault(message, {}).setdefault(language, translation)
        for message, translations in linked.items():
            link = f"{RESOURCE}/{digest_texts([message])[:12]}"
            texts = {"en": message, **translations}
            yield [
                LinkedPage(link, language, "", (LinkedParagraph(_plain(text), "message"),))
                for language, text in texts.items()
            ]


def _packages() -> list[tuple[str, Path]]:
    """(ISO 639 code, package) by code."""
    folder = locate(RESOURCE)
    found = [(named[1], path) for path in sorted(folder.glob("*.deb")) if (named := _PACKAGE.match(path.name))]
    if not found:
        remedy = f"add libreoffice-l10n-*.deb, or lapca-bench fetch {RESOURCE}"
        raise MissingResourceError("no packages of interface texts", path=folder, remedy=remedy)
    return found


def _messages(package: Path) -> Iterator[tuple[str, str]]:
    """(English message, translation) of every catalogue in a package, plural forms left out."""
    for name, stream in members(package, lambda name: name.endswith(".mo")):
        try:
            catalogue = vars(gettext.GNUTranslations(stream))["_catalog"]  # gettext offers no way to list its messages
        except (OSError, UnicodeDecodeError, ValueError) as error:
            remedy = f"lapca-bench fetch {RESOURCE}"
            raise InputError(f"not a gettext catalogue: {error}", path=package / name, remedy=remedy) from error
        for message, translation in catalogue.items():
            if isinstance(message, str) and message:
                yield message.rsplit(_CONTEXT, 1)[-1], translation


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub("", text).split())
