"""Which prompts the encoders of a system put before texts, for the record of a result."""

from __future__ import annotations

from lapca_bench.encoders.protocol import ShowsTexts
from lapca_bench.experiment.encoding_cost import encoders_of
from lapca_bench.search.system import System
from lapca_bench.types import Document


def prompts_of(system: System) -> dict[str, list[str]]:
    """By encoder, what its model reads before a query and before a document; encoders that do not say are left out."""
    return {
        encoder.identity.name: [encoder.shown_query(""), encoder.shown_document(Document("", ""))]
        for encoder, _ in encoders_of(system)
        if isinstance(encoder, ShowsTexts)
    }
