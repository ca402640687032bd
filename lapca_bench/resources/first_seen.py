"""Files whose publishers state no digest: the first fetch records one, a later fetch that differs is refused.

The records are one small file per address in the cache, kept when what was fetched is pruned.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from lapca_bench.atomic import write_json
from lapca_bench.digest import digest_bytes, digest_file
from lapca_bench.errors import InputError, StoreError
from lapca_bench.paths import cache_root
from lapca_bench.redaction import redacted


def require_as_first_seen(url: str, path: Path) -> None:
    """Record the SHA-256 of the file that `url` gave, or compare it with the recorded one.

    Raises `InputError` with both digests where they differ, `StoreError` for a damaged record.
    """
    record = cache_root() / "first-seen" / f"{digest_bytes(url.encode())[:16]}.json"
    found = digest_file(path)
    if not record.is_file():
        today = datetime.now(UTC).date().isoformat()
        write_json(record, {"url": redacted(url), "sha256": found, "bytes": path.stat().st_size, "day": today})
        return
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        digest, day = str(known["sha256"]), str(known["day"])
    except (ValueError, KeyError, TypeError) as error:
        remedy = "remove this file; the next fetch records the digest anew"
        raise StoreError("the record of a first fetch is damaged", path=record, remedy=remedy) from error
    if digest != found:
        raise InputError(
            f"{redacted(url)} gave another file than on {day}: SHA-256 {digest} then, {found} now",
            path=path,
            remedy=f"if its publishers changed it, remove {record} and fetch it again; results of the two differ",
        )
