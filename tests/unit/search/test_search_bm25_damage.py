"""A byte flipped anywhere in a Lucene index is found before the index is used, and only there is anything rebuilt."""

import shutil

import pytest
from toys.search import ToyCollection

from lapca_bench.errors import MissingResourceError, StoreError
from lapca_bench.search.lexical import bm25
from lapca_bench.search.lexical.java import find_jar, find_java
from lapca_bench.types import Document, Query

try:
    find_java()
    find_jar()
    absent = ""
except MissingResourceError as error:
    absent = str(error)

pytestmark = pytest.mark.skipif(bool(absent), reason=absent or "Lucene is here")

CORPUS = ToyCollection([Document(f"d{i}", f"fox {i} " + "filler " * (i % 9), language="en") for i in range(2000)])
ASKED = [Query("q", "fox filler", "en")]


def test_a_flipped_byte_in_the_postings_is_found_and_named(tmp_path):
    before = bm25.BM25System(tmp_path).search(CORPUS, ASKED, 10)
    largest = max((path for path in tmp_path.rglob("*") if path.suffix == ".cfs"), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 0x55
    largest.write_bytes(bytes(content))
    bm25._check_once.cache_clear()  # as in a new process
    with pytest.raises(StoreError, match="does not match its digest") as caught:
        bm25.BM25System(tmp_path).search(CORPUS, ASKED, 10)
    assert caught.value.path == largest.parent
    assert largest.name in caught.value.message
    shutil.rmtree(largest.parent)
    again = bm25.BM25System(tmp_path).search(CORPUS, ASKED, 10)
    assert again.ranking("q") == before.ranking("q")
