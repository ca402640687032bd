"""Encoders: texts in, one float32 row per text out.

`build(settings)` makes one from a card's `[encoder]` table, `adapt(thing)` from anything with `encode(list[str])`,
`load_user_encoder("file.py:Class")` from a file.
"""

from lapca_bench.encoders.adapt import adapt
from lapca_bench.encoders.identity import EncoderIdentity
from lapca_bench.encoders.kinds import EncoderSettings, build
from lapca_bench.encoders.kinds.user import load_user_encoder
from lapca_bench.encoders.protocol import Encoder, ShowsTexts, Similarity, Vectors

__all__ = [
    "Encoder",
    "EncoderIdentity",
    "EncoderSettings",
    "ShowsTexts",
    "Similarity",
    "Vectors",
    "adapt",
    "build",
    "load_user_encoder",
]
