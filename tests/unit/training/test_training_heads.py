"""Heads: trained on aligned vectors, written, read back, and used by a system."""

import math

import numpy as np
import pytest
from toys.search import ToyCollection, WordHashEncoder

from lapca_bench.encoders.postprocessing import EVERY, AffineMap, PostProcessing, lir
from lapca_bench.encoders.weights.head_file import find_head, read_head, write_head
from lapca_bench.errors import InputError, UsageError
from lapca_bench.search.dense import DenseSystem
from lapca_bench.search.heads import FittedSystem, with_head
from lapca_bench.store.vectors import VectorStore
from lapca_bench.training.heads.frozen import FrozenVectors
from lapca_bench.training.heads.methods import METHODS
from lapca_bench.training.heads.pairs import HeadTrainingSettings, Pairs
from lapca_bench.training.heads.train import train_head
from lapca_bench.training.held_out import held_out_accuracy
from lapca_bench.types import Document, Query

GROUPS, NAMES, WIDTH = 96, ("de", "en", "ru"), 12
QUICK = HeadTrainingSettings(epochs=12, batch=48, rate=0.02, queue=64)


def frozen():
    """Languages that share meanings and differ by an offset each."""
    draw = np.random.default_rng(0)
    meanings = draw.normal(size=(GROUPS, WIDTH))
    offsets = 3 * draw.normal(size=(len(NAMES), WIDTH))
    language, groups = (part.ravel() for part in np.mgrid[: len(NAMES), :GROUPS])
    vectors = meanings[groups] + offsets[language] + 0.1 * draw.normal(size=(len(groups), WIDTH))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return FrozenVectors(unit, (language + groups) % 2 == 0, language, groups, NAMES)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_aligns_held_out_text_better(name):
    pytest.importorskip("torch")
    trained = train_head(name, frozen(), QUICK)
    assert trained.after > trained.before
    assert trained.epoch >= 1
    assert trained.head.method == name


def test_training_again_gives_the_same_head():
    pytest.importorskip("torch")
    digests = {train_head("dream", frozen(), QUICK).head.digest for _ in range(2)}
    assert len(digests) == 1


def test_held_out_accuracy_by_hand():
    """Query 0 (de) is nearest to the document of its own language, which is wrong; query 1 (en) to its translation."""
    queries, documents = np.array([[1, 0], [0, 1]], np.float32), np.array([[0.6, 0.8], [0.9, 0.1]], np.float32)
    assert held_out_accuracy(queries, documents, np.array([0, 1]), np.array([1, 5])) == 0.5
    words = np.array(["weiß", "two"], dtype=object), np.array(["two", "white"], dtype=object)
    assert held_out_accuracy(queries, documents, *words) == 0.5
    assert math.isnan(held_out_accuracy(queries[:0], documents, np.array([], np.int64), np.array([1, 5])))


def test_pairs_are_translations_and_others_share_the_language():
    given = frozen()
    rows = np.arange(len(given.groups))
    pairs = Pairs(given, rows, seed=1)
    mates, others = pairs.translations(rows), pairs.others(rows)
    assert (given.groups[mates] == given.groups).all()
    assert (given.language[mates] != given.language).all()
    assert (given.language[others] == given.language).all()
    assert (others != rows).all()
    assert sorted(np.concatenate(pairs.epoch(50))) == rows.tolist()


def test_an_unknown_method_and_too_little_text_are_clear_errors():
    pytest.importorskip("torch")
    with pytest.raises(UsageError, match="did you mean dream"):
        train_head("draem", frozen())
    one = FrozenVectors(np.ones((1, 3), np.float32), np.ones(1, bool), np.zeros(1, int), np.zeros(1, int), ("de",))
    with pytest.raises(InputError, match="too little"):
        train_head("dream", one)
    with pytest.raises(UsageError, match="the probe needs en and fr"):
        train_head("probe", frozen(), HeadTrainingSettings(probe_language="fr"))


def test_a_head_comes_back_from_its_file(tmp_path):
    draw = np.random.default_rng(1)
    head = lir({language: draw.normal(size=(20, 6)).astype(np.float32) for language in ("de", "en")}, 2)
    path = tmp_path / "lir.safetensors"
    write_head(path, head, {"system": "toy"})
    back, about = read_head(path)
    assert (back.method, about["system"], sorted(back.maps)) == ("lir", "toy", ["de", "en"])
    vectors = draw.normal(size=(5, 6)).astype(np.float32)
    np.testing.assert_allclose(back.map_for("de").apply(vectors), head.map_for("de").apply(vectors), atol=1e-2)


def test_a_file_that_is_no_head_is_refused(tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match="not a readable head"):
        read_head(tmp_path / "bad.safetensors")
    write_head(tmp_path / "empty.safetensors", PostProcessing("none", {}), {})
    with pytest.raises(InputError, match="no head"):
        read_head(tmp_path / "empty.safetensors")
    with pytest.raises(InputError, match="no such head"):
        find_head("lapca_bench:heads/none.safetensors")
    with pytest.raises(InputError, match="no package"):
        find_head("no_such_package:heads/none.safetensors")


DOCUMENTS = [
    Document("de0", "rot boot", language="de"),
    Document("de1", "katze", language="de"),
    Document("en0", "red boat", language="en"),
    Document("en1", "cat sat", language="en"),
]


def dense(folder):
    return DenseSystem(WordHashEncoder(), VectorStore(folder), name="toy")


def test_the_identity_as_a_head_changes_nothing_and_encodes_nothing_anew(tmp_path):
    inner = dense(tmp_path)
    head = PostProcessing("same", {EVERY: AffineMap(np.zeros(inner.encoder.dimension))})
    collection, queries = ToyCollection(DOCUMENTS), [Query("q0", "red boat", "en"), Query("q1", "katze", "de")]
    before = inner.search(collection, queries, 4)
    encoded = len(inner.encoder.encoded)
    after = with_head(inner, head, "toy+same").search(collection, queries, 4)
    assert list(after.rows()) == list(before.rows())
    assert len(inner.encoder.encoded) == encoded


def test_a_fitted_head_centres_each_language_on_its_documents(tmp_path):
    inner = dense(tmp_path)
    system = FittedSystem(inner, "centring", None, 10, "toy+centring")
    run = system.search(ToyCollection(DOCUMENTS), [Query("q0", "red boat", "en")], 4)
    unit = inner.encoder.encode_documents(DOCUMENTS[2:]).astype(np.float64)
    centred = unit - unit.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    scores = dict(run.ranking("q0"))
    assert scores["en0"] == pytest.approx(1, abs=1e-5)
    assert scores["en1"] == pytest.approx(centred[0] @ centred[1], abs=1e-5)


def test_a_query_in_a_language_without_documents_is_a_clear_error(tmp_path):
    collection, queries = ToyCollection(DOCUMENTS), [Query("q0", "bateau", "fr")]
    with pytest.raises(UsageError, match="queries in fr, but no document to fit centring on"):
        FittedSystem(dense(tmp_path), "centring", None, 10, "c").search(collection, queries, 1)
    run = FittedSystem(dense(tmp_path), "whitening", 2, 10, "w").search(collection, queries, 1)
    assert len(run.ranking("q0")) == 1


def test_the_sample_and_the_method_are_part_of_the_identity(tmp_path):
    made = [("centring", None, 10), ("centring", None, 3), ("lir", 1, 10), ("lir", 2, 10)]
    assert len({FittedSystem(dense(tmp_path), *one, "n").identity.digest for one in made}) == len(made)
