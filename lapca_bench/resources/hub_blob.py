"""A large file of the hub, brought into the blobs of huggingface_hub's cache so that a later process goes on with it.

huggingface_hub goes on with a cut transfer while its process lives, and begins anew after it was killed. Here its own
transfer writes to a name that stays; the whole file is checked and takes its place among the blobs, where
huggingface_hub finds it. The caller keeps other processes away.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from lapca_bench.digest import digest_file
from lapca_bench.errors import InputError

PART = ".part"


def bring_blob(repository: str, file: str, commit: str, sha256: str, size: int, blobs: Path) -> None:
    """Bring a file that the hub states the SHA-256 of to its place, unless it is there.

    Raises what huggingface_hub raises, and `InputError` where the bytes are not the stated ones; they are removed.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # documented, not in __all__

    target = blobs / sha256
    if target.exists():
        return
    part = target.with_name(f"{sha256}{PART}")
    blobs.mkdir(parents=True, exist_ok=True)
    url = hf_hub_url(repository, file, revision=commit)
    headers = build_hf_headers(library_name="lapca-bench")
    place = get_hf_file_metadata(url, headers=headers).location
    if urlsplit(place).netloc != urlsplit(url).netloc:
        headers.pop("authorization", None)  # the token is for the hub alone
    with part.open("ab") as handle:
        here = handle.tell()
        if here > size:
            here = handle.truncate(0)
        http_get(place, handle, resume_size=here, headers=headers, expected_size=size, displayed_filename=file)
    if digest_file(part) != sha256:
        part.unlink()
        raise InputError(
            f"{file} of hub:{repository} is not what the hub says it is",
            path=part,
            remedy=f"it was removed; run `lapca-bench fetch hub:{repository}` again",
        )
    part.replace(target)
