"""Debian's package descriptions as linked text: each body with its translations, its synopsis as the title."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lapca_bench.collections.package_descriptions import descriptions, languages
from lapca_bench.training.text.linked import LinkedPage, LinkedParagraph


class PackageDescriptionsCorpus:
    """One page per description and language: the synopsis is its title, the body its only paragraph.

    Untranslated bodies are left out, untranslated synopses are no title. The collection of the same name is made of
    this text: a system trained on it is not zero-shot there.
    """

    name = "package-descriptions"
    licence = "each package's own"

    def groups(self) -> Iterator[Sequence[LinkedPage]]:
        """Descriptions by MD5; raises `MissingResourceError` where the indices are not here."""
        english = descriptions("en")
        editions = {language: descriptions(language) for language in languages()}
        for md5, original in english.items():
            pages = [LinkedPage(md5, "en", original.synopsis, (LinkedParagraph(original.body, "body"),))]
            for language, edition in editions.items():
                if md5 in edition and edition[md5].body not in ("", original.body):
                    synopsis = edition[md5].synopsis
                    title = "" if synopsis == original.synopsis else synopsis
                    pages.append(LinkedPage(md5, language, title, (LinkedParagraph(edition[md5].body, "body"),)))
            if len(pages) > 1 and original.body:
                yield pages
