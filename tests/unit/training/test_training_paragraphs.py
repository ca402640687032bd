"""Paragraphs whose sentences are found inside them: span pooling, judged batches, and what hard negatives are for."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.paragraphs import SENTENCES, paragraph_recipe, paragraph_source, toy_documents  # noqa: E402
from toys.training import LANGUAGES  # noqa: E402

from lapca_bench.collections.question_sets.asked import AskedParagraph, SentenceQuestion  # noqa: E402
from lapca_bench.errors import InputError, UsageError  # noqa: E402
from lapca_bench.training.batch import ANSWER, LEFT_OUT, NEGATIVE  # noqa: E402
from lapca_bench.training.batches.asked_paragraphs import AskedParagraphs, _capped  # noqa: E402
from lapca_bench.training.batches.paragraph_batches import ParagraphBatches  # noqa: E402
from lapca_bench.training.batches.settings import ParagraphSettings  # noqa: E402
from lapca_bench.training.batches.shown import Asking, Sentence, Shown, ShownParagraph, batch_of  # noqa: E402
from lapca_bench.training.contamination import nearness  # noqa: E402
from lapca_bench.training.loop import Training  # noqa: E402
from lapca_bench.training.losses.functions import judged_nce  # noqa: E402
from lapca_bench.training.model.rows import pad_rows  # noqa: E402
from lapca_bench.training.model.tower import TrainedTower, load_start  # noqa: E402
from lapca_bench.training.model.tower_encoder import TowerEncoder  # noqa: E402
from lapca_bench.training.paragraphs import batches, train_on  # noqa: E402
from lapca_bench.training.step.passes import Passes  # noqa: E402
from lapca_bench.training.step.processes import Processes  # noqa: E402
from lapca_bench.training.step.step import Step  # noqa: E402
from lapca_bench.training.text.parallel_documents import parallel_documents  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def tower_of(made) -> TrainedTower:
    return TrainedTower(made.encoder, made.trained, language_model=False, seed=1)


def test_span_pooling_is_the_mean_of_the_spans_tokens_and_of_those_of_no_sentence(start) -> None:
    made = paragraph_recipe(start)
    tower = tower_of(made)
    text = "aa1 aa2 aa3 aa4 aa5"
    spans = [(0, 7), (8, 19), (0, 19), (40, 50)]
    spanned = tower.tokenise_spans([text, "bb1"], [spans, [(0, 3)]], 16)
    assert spanned[0].seen.tolist() == [True, True, True, False]
    passes = Passes(tower, made, Processes(), dense_words=False)
    rows = {
        int(place): (chunk, n) for chunk in passes.spanned_chunks(spanned, 3, 0) for n, place in enumerate(chunk.places)
    }
    assert sorted(rows) == [3, 4, 5, 6, 7]
    with torch.no_grad():
        alone = pad_rows([spanned[0].ids], np.array([0]), tower.tokenizer.pad, seed=0)
        hidden = tower.hidden_states(alone)[0]  # [CLS] aa1 aa2 aa3 aa4 aa5 [SEP]
        found = {place: tower.pooled(tower.hidden_states(chunk), chunk)[n] for place, (chunk, n) in rows.items()}
        torch.testing.assert_close(found[3], hidden[[0, 1, 2, 6]].mean(0))
        torch.testing.assert_close(found[4], hidden[[0, 3, 4, 5, 6]].mean(0))
        torch.testing.assert_close(found[5], tower.pooled(hidden[None], alone)[0])
        torch.testing.assert_close(found[6], hidden[[0, 6]].mean(0))


def test_a_prompt_belongs_to_every_span(start) -> None:
    made = paragraph_recipe(start)
    made = made.model_copy(update={"encoder": made.encoder.model_copy(update={"document_prompt": "cc1 cc2 "})})
    (spanned,) = tower_of(made).tokenise_spans(["aa1 aa2 aa3"], [[(0, 3), (4, 11)]], 16)
    assert spanned.tokens.astype(int).tolist() == [[1, 1, 1, 1, 0, 0, 1], [1, 1, 1, 0, 1, 1, 1]]


def test_spans_need_a_mean(start) -> None:
    made = paragraph_recipe(start)
    tower = tower_of(made.model_copy(update={"encoder": made.encoder.model_copy(update={"pooling": "cls"})}))
    with pytest.raises(UsageError, match="mean"):
        tower.tokenise_spans(["aa1"], [[(0, 3)]], 16)


@pytest.mark.parametrize("spanned", [0.0, 1.0])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_cached_gradient_of_judged_batches_is_the_plain_one(start, spanned, threads, monkeypatch) -> None:
    found = []
    for cached, chunk in ((False, 64), (True, 3)):
        made = paragraph_recipe(
            start,
            {"spanned": spanned},
            objective={"pivot": 0.5, "pivot_language": "aa", "ranking": 0.3, "brake": 0.2},
            optimisation={"gradient_cache": cached, "chunk": chunk},
        )
        batch = paragraph_source(made).batch(0)
        assert bool(batch.spans) == bool(spanned)
        assert (batch.query_pivots, batch.passage_pivots) != ((), ())
        tower = tower_of(made)
        monkeypatch.setattr(Passes, "threads", threads if cached else 1)
        teacher = load_start(made.encoder).eval().requires_grad_(requires_grad=False)
        loss = Step(tower, made, Processes(), teacher).backward(batch, 0)
        gradient = torch.cat(
            [one.grad.flatten() for one in tower.trained_parameters().values() if one.grad is not None]
        )
        found.append((loss, gradient))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-4, atol=1e-6)


def test_judged_nce_by_hand() -> None:
    queries = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    candidates = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-3.0, 0.0]])
    judged = torch.tensor([[1, 0, 0], [-1, 1, 0], [0, 0, 0]])
    first = np.log(1 + np.exp((0 - 1) / 0.5) + np.exp((-1 - 1) / 0.5))
    second = np.log(1 + np.exp((0 - 1) / 0.5))
    assert float(judged_nce(queries, candidates, judged, temperature=0.5)) == pytest.approx((first + second) / 2)
    several = torch.tensor([[1, 1, 0]])
    one, other = (np.log(1 + np.exp((-1 - score) / 0.5)) for score in (1, 0))
    assert float(judged_nce(queries[:1], candidates, several, temperature=0.5)) == pytest.approx((one + other) / 2)


def test_a_query_without_negatives_has_a_finite_gradient() -> None:
    queries = torch.ones(1, 2, requires_grad=True)
    judged_nce(queries, torch.eye(2), torch.tensor([[1, -1]]), temperature=0.05).backward()
    assert torch.isfinite(queries.grad).all()


def shown() -> list[Shown]:
    one = [Sentence(f"{language}{n}", language, n) for language in ("x", "y") for n in range(3)]
    asking = Asking("q", "x1", "x", frozenset([1]), frozenset([2]))
    first = Shown((ShownParagraph.joined(one[:3]), ShownParagraph.joined(one[3:])), (asking,))
    other = ShownParagraph.joined([Sentence("y1", "y", 0), Sentence("z", "z", 1)])
    return [first, Shown((other,), (Asking("r", "z", "z", frozenset([0])),))]


def test_judgements_of_neighbours_translations_and_equal_texts() -> None:
    batch = batch_of(shown(), spanned=False, neighbours="all", pivots=False)
    assert batch.passages == ("x0", "x1", "x2", "y0", "y1", "y2", "y1", "z")
    first = [NEGATIVE, LEFT_OUT, LEFT_OUT, NEGATIVE, ANSWER, LEFT_OUT, LEFT_OUT, NEGATIVE]
    assert batch.judged.tolist()[0] == first
    assert batch.judged.tolist()[1] == [0, 0, 0, 0, LEFT_OUT, 0, ANSWER, LEFT_OUT]
    half = batch_of(shown(), spanned=False, neighbours="answer's language", pivots=False)
    assert half.judged.tolist()[0] == [LEFT_OUT, LEFT_OUT, LEFT_OUT, NEGATIVE, ANSWER, LEFT_OUT, LEFT_OUT, NEGATIVE]
    none = batch_of(shown(), spanned=False, neighbours="none", pivots=False)
    assert none.passages == ("x1", "y1", "y1")
    spanned = batch_of(shown(), spanned=True, neighbours="all", pivots=False)
    assert spanned.passages == ("x0 x1 x2", "y0 y1 y2", "y1 z")
    assert spanned.spans[0] == ((0, 2), (3, 5), (6, 8))
    assert spanned.judged.tolist() == batch.judged.tolist()


def accuracy_inside(outcome_folder: Path, made) -> float:
    """How often a sentence's translation is the nearest of its paragraph's sentences, in paragraphs never seen."""
    settings = made.encoder.model_copy(update={"checkpoint": str(outcome_folder)})
    encoder = TowerEncoder(
        TrainedTower(settings, made.trained, language_model=False, seed=1), "t", query_length=16, passage_length=16
    )
    right = []
    for document in toy_documents(40, seed=9):
        one, other = (
            encoder.encode([unit[language] for unit in document.units], "query") for language in LANGUAGES[:2]
        )
        right += ((one @ other.T).argmax(axis=1) == np.arange(SENTENCES)).tolist()
    return float(np.mean(right))


def test_negatives_of_the_own_paragraph_beat_none_on_the_toy_language(start, tmp_path) -> None:
    found = {}
    for neighbours in ("all", "none"):
        changes = {"steps": 60, "gradient_cache": False, "chunk": 64}
        made = paragraph_recipe(start, {"translated_neighbours": neighbours, "spanned": 0.0}, optimisation=changes)
        outcome = Training(made, paragraph_source(made), tmp_path / neighbours).run()
        found[neighbours] = accuracy_inside(outcome.checkpoint, made)
    assert found["all"] >= found["none"] + 0.1


def asked(language: str, count: int) -> list[AskedParagraph]:
    text = "One here. Two here. Three here. Four here."
    sentences = ((0, 9), (10, 19), (20, 31), (32, 42))
    questions = tuple(SentenceQuestion(f"q{n}", f"which {n}?", n, (0,) if n == 3 else ()) for n in (1, 3))
    return [AskedParagraph(f"{language}{n}", language, "t", text, sentences, questions) for n in range(count)]


def test_batches_of_questions_are_of_one_language_and_show_the_answers_neighbours() -> None:
    settings = ParagraphSettings(questions=("a",), units=2, asked=2, spanned=1.0)
    source = ParagraphBatches(
        AskedParagraphs([*asked("aa", 6), *asked("bb", 3)], settings), None, settings, batch=3, seed=1, pivots=False
    )
    for step in range(8):
        batch = source.batch(step)
        assert len(set(batch.languages)) == 1
        assert all(len(spans) == 2 for spans in batch.spans)
        cut = [text[a:b] for text, spans in zip(batch.passages, batch.spans, strict=True) for a, b in spans]
        for question, row in zip(batch.queries, batch.judged, strict=True):
            wanted = {"which 1?": "Two here.", "which 3?": "Four here."}[question]
            assert {cut[n] for n in np.flatnonzero(row == ANSWER)} == {wanted}
            assert not any(cut[n] == wanted for n in np.flatnonzero(row == NEGATIVE))


def test_no_language_is_drawn_more_often_than_is_said() -> None:
    assert _capped(np.array([10.0, 1.0, 1.0]), 0.4).tolist() == pytest.approx([0.4, 0.3, 0.3])
    assert _capped(np.array([10.0, 4.0, 1.0, 1.0]), 0.3).tolist() == pytest.approx([0.3, 0.3, 0.2, 0.2])
    assert _capped(np.array([10.0, 1.0]), 0.3).tolist() == [0.5, 0.5]


def packed(path: Path, records: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def write_corpora(folder: Path) -> None:
    pages = [
        {"link": link, "language": language, "title": f"Title {link}", "paragraphs": [
            {"id": f"p{n}", "text": f"{language} paragraph {n} of {link}"} for n in range(3 if language == "en" else 2)
        ]}
        for language in ("en", "de") for link in ("a", "b", "c")
    ]  # fmt: skip
    packed(folder / "pages" / "pages.jsonl.gz", pages)
    sentences = [{"id": f"n0100101{n}", "texts": {"en": f"a sentence, {n}", "zh_CN": f"句子 {n}"}} for n in range(4)]
    packed(folder / "sentences" / "sentences.jsonl.gz", sentences)


def test_parallel_documents_of_pages_and_sentences(tmp_path) -> None:
    write_corpora(tmp_path)
    (first, *_) = parallel_documents("pages", tmp_path / "pages")
    assert (first.name, first.titles, first.ids) == ("a", {"en": "Title a", "de": "Title a"}, ("p0", "p1", "p2"))
    assert first.units[1] == {"en": "en paragraph 1 of a", "de": "de paragraph 1 of a"}
    (document,) = parallel_documents("sentences", tmp_path / "sentences")
    assert document.languages == {"en", "zh"}
    assert len(document.units) == 4
    with pytest.raises(UsageError, match="no parallel text 'none'"):
        list(parallel_documents("none", tmp_path / "none"))


def test_what_is_near_to_the_evaluation_text_is_left_out(tmp_path, monkeypatch, start) -> None:
    write_corpora(tmp_path)
    monkeypatch.setattr("lapca_bench.training.paragraphs._near", lambda: frozenset({("pages", "b#p1")}))
    made = paragraph_recipe(start, {"parallel": {"pages": 1, "sentences": 1}})
    shown_texts = {text for step in range(40) for text in batches(made, tmp_path).batch(step).passages}
    assert any("paragraph 0 of b" in text for text in shown_texts)
    assert not any("paragraph 1 of b" in text for text in shown_texts)


def test_training_on_texts_names_its_corpora_in_the_card(tmp_path, start) -> None:
    write_corpora(tmp_path / "texts")
    made = paragraph_recipe(start, {"parallel": {"pages": 1, "sentences": 1}}, optimisation={"steps": 1, "batch": 4})
    outcome = train_on(made, tmp_path / "texts", tmp_path / "out", ["seed=1"])
    card = (outcome.checkpoint / "README.md").read_text(encoding="utf-8")
    assert "| corpora | pages, sentences |" in card
    assert "--set seed=1 --texts texts" in card


def test_nothing_to_train_on_is_told(tmp_path, start) -> None:
    made = paragraph_recipe(start, {"parallel": {}})
    with pytest.raises(UsageError, match="names no paragraphs"):
        batches(made, tmp_path)
    write_corpora(tmp_path)
    made = paragraph_recipe(start, {"parallel": {"pages": 1}, "languages": {"fr": 1}})
    with pytest.raises(InputError, match="no parallel text is left"):
        batches(made, tmp_path)


def test_nearness_drops_what_is_above_the_percentile() -> None:
    texts = np.eye(4, dtype=np.float32)
    near = nearness(texts, texts[:1], percentile=75)
    assert near.dropped.tolist() == [True, False, False, False]
    assert not nearness(texts, texts[:0]).dropped.any()
