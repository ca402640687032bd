"""A result's key: the digest of everything that its numbers depend on, so that it can be made again from its parts."""

from __future__ import annotations

from lapca_bench.collections.base import Policy
from lapca_bench.digest import digest_value

RULES = 1  # raised when the same run would be scored or cut in another way, so that old results are not taken for new


def result_key(system_digest: str, collection: str, split: str, fingerprint: str, depth: int, policy: Policy) -> str:
    """The key of the result of one system on one split of a collection, `depth` documents retrieved per query."""
    return digest_value(
        {
            "rules": RULES,
            "system": system_digest,
            "collection": collection,
            "fingerprint": fingerprint,
            "split": split,
            "depth": depth,
            "self_match": policy.self_match,
            "no_relevant": policy.no_relevant,
        }
    )
