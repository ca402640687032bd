"""Of first texts a published result carries the prompt, forty characters and a digest; one's own keeps them whole."""

import hashlib

from toys import board_results as made
from toys.submissions import honest, with_provenance

from lapca_bench.store.first_texts import shortened
from lapca_bench.store.keep import keep
from lapca_bench.store.kept import stored_results

LONG = "A passage that a licence protects, and that is longer than forty characters."


def test_prompts_stay_and_texts_are_cut():
    about = {
        "first_texts": {"query": f"query: {LONG}", "document": LONG},
        "prompts": {"e5": ["query: ", "passage: "]},
        "parts": {"bm25": {"first_texts": {"query": "short"}, "analysers": {"en": "x"}}},
        "depth": 3,
    }
    cut = shortened(about)
    assert cut["first_texts"]["query"] == {
        "prompt": "query: ",
        "begins": LONG[:40],
        "characters": len(LONG) + 7,
        "sha256": hashlib.sha256(f"query: {LONG}".encode()).hexdigest(),
    }
    assert cut["first_texts"]["document"]["begins"] == LONG[:40]
    assert cut["parts"]["bm25"]["first_texts"]["query"]["begins"] == "short"
    assert cut["parts"]["bm25"]["analysers"] == {"en": "x"}
    assert shortened(cut) == cut


def test_a_kept_result_carries_no_text_and_ones_own_all(tmp_path):
    store = made.write(tmp_path / "own", [with_provenance(honest(), first_texts={"query": LONG})])
    keep(store.all(), tmp_path / "kept")
    (own,), (kept,) = store.all(), stored_results(tmp_path / "kept")
    assert own.provenance["first_texts"] == {"query": LONG}
    assert kept.provenance["first_texts"]["query"]["begins"] == LONG[:40]
    assert not any(LONG.encode() in path.read_bytes() for path in (tmp_path / "kept").rglob("*.parquet"))
