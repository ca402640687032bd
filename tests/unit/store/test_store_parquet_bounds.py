"""Files that would become gigabytes are refused before anything of them is decompressed; honest ones are read."""

import random
import resource

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from lapca_bench.errors import InputError
from lapca_bench.store.parquet_bounds import FREE_ROWS, read_bounded


def write(path, table, **how):
    parquet.write_table(table, path, **how)
    return path


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "none"])
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_whole_files_are_read(tmp_path, version, compression, use_dictionary):
    draw = random.Random(1)
    table = pa.table({"a": [f"d{draw.randrange(99)}" for _ in range(2000)] + [None], "b": np.arange(2001.0)})
    how = {"compression": compression, "use_dictionary": use_dictionary, "data_page_version": version}
    path = write(tmp_path / "x", table, row_group_size=300, write_page_checksum=True, write_statistics=True, **how)
    back = read_bounded(path, ["a", "b"], ["a"])
    assert back["a"].to_pylist() == table["a"].to_pylist()
    assert back["b"].equals(table["b"])


def repeated(rows, text="x"):
    return pa.table({"a": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [text])})


@pytest.mark.parametrize(
    ("table", "how"),
    [
        (repeated(5 * FREE_ROWS), {}),
        (repeated(FREE_ROWS, "x" * 100_000), {"compression": "zstd"}),
        (pa.table({"a": ["x" * 200_000_000]}), {"compression": "zstd", "use_dictionary": False}),
        (pa.table({"a": ["x" * 30_000_000 + str(n) for n in range(5)]}), {"compression": "zstd"}),
        (pa.table({"a": ["x" * 500] * 1000}), {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}}),
    ],
    ids=["rows", "one text a million times", "one page", "a dictionary", "differences"],
)
def test_bombs_are_refused_in_little_memory(tmp_path, table, how):
    path = write(tmp_path / "bomb", table, **how)
    del table
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError):
        read_bounded(path, ["a"], ["a"])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB


def test_pages_that_lie_about_their_size_are_refused_or_fail_cleanly(tmp_path):
    table = pa.table({"a": [f"d{n % 7}" for n in range(3000)], "b": np.arange(3000.0)})
    whole = write(tmp_path / "x", table, compression="zstd").read_bytes()
    draw, refused = random.Random(3), 0
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(draw.choice((1, 2, 5))):
            content[draw.randrange(4, len(content))] = draw.randrange(256)
        (tmp_path / "y").write_bytes(content)
        try:
            read_bounded(tmp_path / "y", ["a", "b"], ["a"])
        except (InputError, OSError, pa.ArrowException, ValueError, KeyError):
            refused += 1
    assert refused > 100
