"""A store that machines share by a URL: vector shards under the addresses that they have in each machine's own cache.

What is read is memory-mapped from the local cache; this only carries files. Below the URL lie, for a shard,
`vectors/ENCODER/AB/ADDRESS.json`, its manifest, and `ADDRESS.DIGEST.npy`, its vectors under the first digits of their
own digest: machines whose last bits differ do not overwrite each other's. The manifest is written last, so a shard is
whole or absent. Arrow opens file, s3, gs, abfs and hdfs; other protocols are those of installed fsspec backends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from lapca_bench.atomic import write_bytes
from lapca_bench.errors import LapcaError, MissingResourceError, StoreError, UsageError
from lapca_bench.paths import shared_url

_OBJECT_STORES = {"s3", "gcs", "abfs"}  # where an object appears when all of it is written
_FORM = "write it as s3://bucket/folder, gs://bucket/folder, abfss://... or file:///folder"
# Options of Arrow that a URL may state: Google's client would try for a quarter of an hour, and one request of S3 that
# puts a small object is better than the three that begin, fill and end a large one.
_OPTIONS = {"gs": "retry_limit_seconds=20", "gcs": "retry_limit_seconds=20", "s3": "allow_delayed_open=true"}


@dataclass(frozen=True)
class Shared:
    """The files below `url`. A value that executors carry: every process opens it with the credentials it has itself.

    Every call raises `StoreError` with the URL where the store cannot be reached.
    """

    url: str

    def check(self) -> Shared:
        """This store; raises `UsageError` for a malformed URL, `MissingResourceError` where its library is missing."""
        _opened(self.url)
        return self

    def read(self, name: str) -> bytes | None:
        """A file's bytes, None where there is no such file."""
        system, root = _opened(self.url)
        with self._reaching(name):
            try:
                with system.open_input_file(f"{root}/{name}") as stream:
                    return bytes(stream.read())
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all."""
        system, root = _opened(self.url)
        target = f"{root}/{name}"
        with self._reaching(name):
            if system.type_name == "local":
                write_bytes(Path(target), content)
            elif system.type_name in _OBJECT_STORES:
                _send(system, target, content)
            else:
                system.create_dir(target.rpartition("/")[0], recursive=True)
                temporary = f"{target}.{uuid4().hex[:8]}.tmp"
                _send(system, temporary, content)
                system.move(temporary, target)

    def names(self, folder: str) -> set[str]:
        """Names of the files below `folder`."""
        from pyarrow.fs import FileSelector, FileType

        system, root = _opened(self.url)
        with self._reaching(folder):
            selector = FileSelector(f"{root}/{folder}", recursive=True, allow_not_found=True)
            found = [info.path for info in system.get_file_info(selector) if info.type == FileType.File]
        start = len(root.strip("/")) + 1
        return {path.strip("/")[start:] for path in found}

    def where(self, name: str) -> str:
        """The URL of a file."""
        address = urlsplit(self.url)
        return address._replace(path=f"{address.path.rstrip('/')}/{name}", query="").geturl()

    @contextmanager
    def _reaching(self, name: str) -> Iterator[None]:
        try:
            yield
        except LapcaError:
            raise
        except Exception as error:
            raise StoreError(
                f"the shared store cannot be reached: {self.where(name)}: {_one_line(error)}",
                remedy="check the URL, the network and this machine's credentials for it; what was computed is kept "
                "in the local cache, and the next run goes on from it",
            ) from error


def configured() -> Shared | None:
    """The store that LAPCA_BENCH_SHARED names."""
    url = shared_url()
    return None if url is None else Shared(url).check()


@cache
def _opened(url: str) -> tuple[Any, str]:
    """Arrow's file system of a URL, and the path of its root in it."""
    from pyarrow.fs import FileSystem

    scheme = urlsplit(url).scheme
    option = _OPTIONS.get(scheme, "")
    asked = url if option.partition("=")[0] in url else f"{url}{'&' if '?' in url else '?'}{option}"
    try:
        try:
            system, root = FileSystem.from_uri(asked)
        except ValueError as error:
            if "Unrecognized filesystem type" not in str(error):
                raise
            system, root = FileSystem.from_uri(f"fsspec+{asked}")
    except ValueError as error:
        raise UsageError(f"no shared store {url!r}: {_one_line(error)}", remedy=_FORM) from error
    except ImportError as error:
        message = f"the shared store {url!r} needs a library that is not installed: {_one_line(error)}"
        raise MissingResourceError(message, remedy=f"install what fsspec needs for {scheme}://") from error
    except Exception as error:
        message = f"the shared store {url!r} cannot be opened: {_one_line(error)}"
        raise StoreError(message, remedy="check the URL, the network and this machine's credentials") from error
    root = root.rstrip("/")
    if not root:
        raise UsageError(f"the shared store {url!r} names no folder", remedy=_FORM)
    if system.type_name == "local" and not Path(root).is_dir():
        raise StoreError("no folder of a shared store here", path=root, remedy="mount it, or make it with mkdir -p")
    return system, root


def _send(system: Any, target: str, content: bytes) -> None:
    with system.open_output_stream(target) as stream:
        stream.write(content)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
