"""Builders of small archives for the tests of resources and collections."""

import gzip
import io
import lzma
import tarfile


def tar(files):
    """An uncompressed tar of {name: bytes}."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as opened:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return held.getvalue()


def ar(members):
    """An `ar` archive of {name: bytes}."""
    parts = [b"!<arch>\n"]
    for name, content in members.items():
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode())
        parts.append(content + b"\n" * (len(content) % 2))
    return b"".join(parts)


def _zstd(content):
    import pyarrow as pa

    return pa.compress(content, codec="zstd", asbytes=True)


def deb(files, *, version, packing="xz"):
    """A Debian package that holds {path: bytes}."""
    compress = {"xz": lzma.compress, "gz": gzip.compress, "zst": _zstd}[packing]
    control = tar({"./control": f"Package: p\nVersion: {version}\n".encode()})
    return ar(
        {
            "debian-binary": b"2.0\n",
            f"control.tar.{packing}": compress(control),
            f"data.tar.{packing}": compress(tar(files)),
        }
    )
