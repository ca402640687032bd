"""Any bytes whatever, under any archive's name, give members or one clear error."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lapca_bench.errors import InputError
from lapca_bench.resources.archives import members

HEADS = st.sampled_from([b"", b"!<arch>\n", b"PK\x03\x04", b"\x1f\x8b\x08", b"\xfd7zXZ\x00", b"BZh9"])


@given(head=HEADS, tail=st.binary(max_size=400), ending=st.sampled_from([".zip", ".whl", ".deb", ".tar", ".tar.gz"]))
def test_random_bytes_never_give_a_traceback(head, tail, ending):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{ending}"
        path.write_bytes(head + tail)
        with contextlib.suppress(InputError):
            for _, stream in members(path, lambda _: True):
                stream.read()
