"""Repositories of a model hub, brought into the cache that huggingface_hub keeps on this machine.

Only what loading takes is downloaded (`hub_files`), by huggingface_hub itself: in parallel, resumed, from HF_ENDPOINT
where it names a mirror. A branch is resolved to its commit once, when it is first fetched, and stands for that commit
from then on; files are of that commit alone and are checked against the digests that the hub states. Weights that a
repository has only as pickles become safetensors in a process of their own (`unpickling`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapca_bench.atomic import write_bytes
from lapca_bench.digest import digest_file
from lapca_bench.errors import InputError, LapcaError, MissingResourceError, StoreError, UsageError
from lapca_bench.extras import need
from lapca_bench.lock import exclusive
from lapca_bench.paths import cache_root
from lapca_bench.redaction import redacted
from lapca_bench.resources.hub_blob import bring_blob
from lapca_bench.resources.hub_files import needed
from lapca_bench.resources.patience import BUSY, LONGEST_PAUSE, Patience, retry_after
from lapca_bench.resources.unpickling import convert
from lapca_bench.sealed import write_sealed

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

HUB = "hub:"
_NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_UNFINISHED = "unfinished"
_SIDE_BY_SIDE = 4
_TRIES = 3


@dataclass(frozen=True)
class Repository:
    """A repository of the hub, at a branch, a tag or a commit (None: its main branch)."""

    name: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> Repository:
        """From "hub:owner/name@revision", with or without its first and last part; raises `UsageError` for another."""
        name, _, revision = text.removeprefix(HUB).partition("@")
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{text!r} names no hub repository", remedy="write hub:owner/name or hub:owner/name@revision"
            )
        return cls(name, revision or None)

    def __str__(self) -> str:
        return f"{HUB}{self.name}" + (f"@{self.revision}" if self.revision else "")

    @property
    def folder(self) -> Path:
        """Where huggingface_hub keeps it."""
        from huggingface_hub import constants

        return Path(constants.HF_HUB_CACHE) / f"models--{self.name.replace('/', '--')}"

    @property
    def commit(self) -> str | None:
        """The commit that it stands for on this machine; None where it was never resolved here."""
        revision = self.revision or "main"
        if _COMMIT.fullmatch(revision):
            return revision
        reference = self.folder / "refs" / revision
        return reference.read_text(encoding="utf-8").strip() if reference.is_file() else None

    @property
    def snapshot(self) -> Path | None:
        """The folder of its files, where they were brought to the end; None where not."""
        commit = self.commit
        if commit is None:
            return None
        found = self.folder / "snapshots" / commit
        return found if found.is_dir() and not self.unfinished(commit).exists() else None

    def unfinished(self, commit: str) -> Path:
        """The mark of a fetch that has not come to its end."""
        return self.folder / _UNFINISHED / commit


@dataclass(frozen=True)
class Fetched:
    """A repository on this machine: `new` bytes were downloaded now, `converted` files were pickles."""

    folder: Path
    commit: str
    size: int
    new: int = 0
    converted: tuple[str, ...] = ()


def fetch(repository: Repository, patience: Patience | None = None) -> Fetched:
    """Bring a repository's weights, tokenizer and configurations here; what is here whole is not asked for again.

    Raises `MissingResourceError` where the hub does not give it, `InputError` where a file is not what the hub says.
    """
    need("huggingface_hub", "dense")
    if (found := repository.snapshot) is not None:
        return Fetched(found, found.name, _size(found))
    with exclusive(cache_root() / "locks", f"hub-{repository.folder.name}"):
        if (found := repository.snapshot) is not None:
            return Fetched(found, found.name, _size(found))
        return _bring(repository, patience or Patience(tries=_TRIES, pause=2.0))


def _bring(repository: Repository, patience: Patience) -> Fetched:
    from huggingface_hub import HfApi

    api = HfApi(library_name="lapca-bench")
    about: ModelInfo = _patiently(
        repository,
        patience,
        lambda: api.model_info(repository.name, revision=repository.revision, files_metadata=True),
    )
    commit = str(about.sha)
    files = {sibling.rfilename: sibling for sibling in about.siblings or ()}
    wanted = needed(files)
    if not wanted:
        raise InputError(f"{repository} holds no weights that this project loads", remedy="name another repository")
    mark = repository.unfinished(commit)
    before = _size(repository.folder / "blobs")
    write_bytes(mark, b"")
    _download(repository, commit, [files[name] for name in wanted], patience)
    folder = repository.folder / "snapshots" / commit
    for name in wanted:
        _check(repository, folder / name, files[name])
    converted = convert(folder, wanted)
    if converted:
        record = {"commit": commit, "files": converted}
        write_sealed(repository.folder / f"converted-{commit}.json", record)
    if not _COMMIT.fullmatch(repository.revision or "main"):
        write_bytes(repository.folder / "refs" / (repository.revision or "main"), commit.encode())
    mark.unlink()
    new = max(0, _size(repository.folder / "blobs") - before)
    return Fetched(folder, commit, _size(folder), new, tuple(converted))


def _download(repository: Repository, commit: str, files: Sequence[RepoSibling], patience: Patience) -> None:
    """Bring files side by side; one that arrived in part is gone on with. The first that fails ends it."""
    from huggingface_hub import hf_hub_download

    blobs = repository.folder / "blobs"

    def bring(file: RepoSibling) -> None:
        def once() -> None:
            name, lfs = file.rfilename, file.lfs
            if lfs is not None and not (repository.folder / "snapshots" / commit / name).exists():
                bring_blob(repository.name, name, commit, str(lfs.sha256), int(lfs.size), blobs)
            hf_hub_download(repository.name, name, revision=commit, library_name="lapca-bench")

        _patiently(repository, patience, once)

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        waiting = [pool.submit(bring, file) for file in files]
        try:
            for one in waiting:
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _patiently(repository: Repository, patience: Patience, ask: Callable[[], Any]) -> Any:
    """What `ask` returns; a busy or absent hub is asked again. huggingface_hub has waited as the hub asked by then."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    for attempt in range(1, patience.tries + 1):
        try:
            return ask()
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status not in BUSY or attempt == patience.tries:
                raise _refused(repository, status, error) from error
            asked = retry_after(error.response.headers.get("Retry-After", ""))
            pause = patience.before(attempt) if asked is None else asked
        except (httpx2.HTTPError, OSError) as error:
            if attempt == patience.tries:
                raise _unreachable(repository, error) from error
            pause = patience.before(attempt)
        patience.wait(min(pause, LONGEST_PAUSE))
    raise AssertionError("the last attempt returns or raises")


def _refused(repository: Repository, status: int, error: Exception) -> LapcaError:
    if status in (401, 403):
        message = f"the hub does not give {repository} to this machine ({status})"
        remedy = "accept its terms on the hub, if it has any, and put your token into HF_TOKEN; or check the name"
        return MissingResourceError(message, remedy=remedy)
    if status == 404:
        return UsageError(f"the hub has no {repository}", remedy="check the name and the revision")
    remedy = "try again later; what has arrived is kept and gone on with"
    return MissingResourceError(f"cannot fetch {repository}: {redacted(str(error))}", remedy=remedy)


def _unreachable(repository: Repository, error: Exception) -> LapcaError:
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return StoreError(f"cannot keep {repository}: {error.strerror}", path=Path(str(error.filename)))
    from huggingface_hub import constants

    message = f"{redacted(constants.ENDPOINT)} cannot be reached: {redacted(str(error) or type(error).__name__)}"
    remedy = "check the network, or name a mirror in HF_ENDPOINT; what has arrived is kept and gone on with"
    return MissingResourceError(message, remedy=remedy)


def _check(repository: Repository, path: Path, stated: RepoSibling) -> None:
    """Compare a file with the digest that the hub states; one that differs is removed, so that it is fetched anew."""
    if stated.lfs is not None:
        same = digest_file(path) == stated.lfs.sha256
    elif stated.blob_id is not None:
        same = _git_digest(path) == stated.blob_id
    else:
        same = stated.size in (None, path.stat().st_size)
    if not same:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise InputError(
            f"{stated.rfilename} of {repository} is not what the hub says it is",
            path=path,
            remedy=f"it was removed; run `lapca-bench fetch {repository}` again",
        )


def _git_digest(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
