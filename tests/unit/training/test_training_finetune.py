"""Fine-tuning: the authors' formats, epochs, self-mined negatives without an answer, a teacher, rounds that go on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from toys.training import WORDS, recipe, write_start  # noqa: E402

from lapca_bench.encoders import build  # noqa: E402
from lapca_bench.errors import InputError  # noqa: E402
from lapca_bench.training.batches.question_batches import QuestionBatches  # noqa: E402
from lapca_bench.training.batches.questions import read_questions  # noqa: E402
from lapca_bench.training.batches.self_mined import read_negatives  # noqa: E402
from lapca_bench.training.batches.settings import QuestionSettings  # noqa: E402
from lapca_bench.training.finetune import finetune_on  # noqa: E402
from lapca_bench.training.loop import Training  # noqa: E402
from lapca_bench.training.losses.functions import question_passage_nll  # noqa: E402
from lapca_bench.training.losses.term import MatrixTerm  # noqa: E402
from lapca_bench.training.recipe import load_recipe  # noqa: E402
from lapca_bench.training.step.step import joint_loss  # noqa: E402
from lapca_bench.types import Document  # noqa: E402

DPR = [
    {
        "dataset": "nq_train_psgs_w100",
        "question": "who sang it",
        "answers": ["Ann"],
        "positive_ctxs": [
            {"title": "Song", "text": "Sung by Ann.", "score": 1000, "title_score": 1, "passage_id": "11"}
        ],
        "negative_ctxs": [{"title": "X", "text": "random", "score": 0, "title_score": 0, "passage_id": "12"}],
        "hard_negative_ctxs": [
            {"title": "Y", "text": "Sung by Bob.", "score": 9.5, "title_score": 0, "passage_id": "13"}
        ],
    },
    {"question": "unanswered", "answers": [], "positive_ctxs": [], "negative_ctxs": [], "hard_negative_ctxs": []},
]
GOLD = {
    "version": "v1",
    "data": [
        {
            "title": "Tokyo",
            "paragraphs": [
                {
                    "context": "Tokyo is the capital of Japan.",
                    "qas": [
                        {"id": "7", "question": "日本の首都は？", "answers": [{"text": "Tokyo", "answer_start": 0}]}
                    ],
                }
            ],
        }
    ],
}
MR_TYDI = {
    "query_id": "4",
    "query": "Missä?",
    "positive_passages": [{"docid": "12#0", "title": "Suomi", "text": "Täällä."}],
    "negative_passages": [{"docid": "9#3", "title": "Ruotsi", "text": "Tuolla."}],
}


def write(path: Path, content, *, as_lines: bool = False) -> Path:
    rows = content if as_lines else [content]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_dpr_as_its_authors_publish_it(tmp_path) -> None:
    """A list over several lines; random negatives are not read, a question without a positive is left out."""
    path = tmp_path / "biencoder-nq-train.json"
    path.write_text(json.dumps(DPR, indent=4), encoding="utf-8")
    (one,) = read_questions([path])
    assert (one.text, one.answers) == ("who sang it", ("Ann",))
    assert one.positives == (Document("11", "Sung by Ann.", "Song"),)
    assert one.negatives == (Document("13", "Sung by Bob.", "Y"),)
    assert read_questions([write(tmp_path / "lines.json", DPR, as_lines=True)])[0].positives == one.positives


def test_xor_gold_paragraphs_take_their_language_from_the_file_beside(tmp_path) -> None:
    path = write(tmp_path / "gp_squad_train_data.json", GOLD)
    asked = {"id": "7", "question": "日本の首都は？", "answers": ["Tokyo"], "lang": "ja", "split": "train"}
    write(tmp_path / "xor_train_retrieve_eng_span.jsonl", asked)
    (one,) = read_questions([path])
    assert (one.id, one.language, one.answers) == ("7", "ja", ("Tokyo",))
    assert one.positives[0].content() == "Tokyo Tokyo is the capital of Japan."


def test_mr_tydi_and_plain_lines(tmp_path) -> None:
    mine = {"question": "why?", "positives": ["because", {"title": "T", "text": "so"}], "language": "en"}
    found = read_questions([write(tmp_path / "train.jsonl", MR_TYDI), write(tmp_path / "mine.jsonl", mine)])
    assert [one.id for one in found] == ["4", "mine.jsonl:1"]
    assert found[0].negatives == (Document("9#3", "Tuolla.", "Ruotsi"),)
    assert [one.content() for one in found[1].positives] == ["because", "T so"]


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        ('{"question": "a", "positives": ["b"]}\nnonsense', "not JSON", 2),
        ('{"question": "a"}', "KeyError 'positives'", 1),
        ('{"question": "", "positives": ["b"]}', "the question is no text", 1),
        ('{"question": "a", "positives": [7]}', "not a question with passages", 1),
        ("[1]", "not an object", 1),
        ('[{"question": "a"', "not JSON", 1),
        ('{"question": "a", "positives": []}', "no question has a positive", None),
        ("", "no question has a positive", None),
    ],
)
def test_what_is_wrong_with_a_file_of_questions(tmp_path, content, message, line) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_questions([path])
    assert (caught.value.path, caught.value.line) == (path, line)


@pytest.fixture
def asked(tmp_path) -> Path:
    """Twelve questions in tongue aa about sentences of tongue bb; the answer is the sentence's first word."""
    random = np.random.default_rng(2)
    rows = []
    for row in random.integers(WORDS, size=(12, 4)):
        words = [f"bb{word}" for word in row]
        question = " ".join(f"aa{word}" for word in row)
        wrong = " ".join(f"bb{word}" for word in random.integers(WORDS, size=4))
        rows.append({"question": question, "positives": [" ".join(words)], "negatives": [wrong], "answers": words[:1]})
    return write(tmp_path / "asked.jsonl", rows, as_lines=True)


def test_an_epoch_asks_every_question_once_and_the_next_in_another_order(asked) -> None:
    questions = read_questions([asked])
    made = QuestionBatches(questions, QuestionSettings(negatives=1), batch=4, seed=1)
    epochs = [[name for step in range(3) for name in made.batch(3 * epoch + step).names] for epoch in range(2)]
    assert {*epochs[0]} == {*epochs[1]} == {one.id for one in questions}
    assert epochs[0] != epochs[1]
    assert made.batch(2) == QuestionBatches(questions, QuestionSettings(negatives=1), batch=4, seed=1).batch(2)
    assert len(made.batch(0).negatives) == 4
    with pytest.raises(InputError, match="too few"):
        QuestionBatches(questions, QuestionSettings(held_out=9), batch=4, seed=1)


def test_a_teacher_adds_its_divergence() -> None:
    """By hand: two questions, two passages and a negative; a student that scores as the teacher adds nothing."""
    from lapca_bench.training.batch import Batch

    matrix = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 2], [1, -1]]), dim=-1)
    scores = (matrix[:2] @ matrix[2:].T).numpy()
    objective = load_recipe("stage-a", **{"objective.teacher": "me5-small"}).objective
    batch = Batch(("1", "2"), ("a", "b"), ("c", "d"), ("", ""), ("e",))

    def loss_of(batch: Batch) -> torch.Tensor:
        losses = [term.over(batch, None) for term in objective.terms if isinstance(term, MatrixTerm)]
        return joint_loss([loss for loss in losses if loss is not None], matrix)

    plain = loss_of(batch)
    expected = question_passage_nll(matrix[:2], matrix[2:4], temperature=0.05, negatives=matrix[4:])
    assert plain.item() == pytest.approx(expected.item(), rel=1e-6)
    assert loss_of(replace(batch, teacher_scores=scores)).item() == pytest.approx(plain.item(), abs=1e-6)
    student = torch.log_softmax(torch.from_numpy(scores) / 0.05, dim=1)
    divergence = (np.log(1 / 3) - student).mean(dim=1).mean() * 0.05**2
    other = loss_of(replace(batch, teacher_scores=np.zeros_like(scores)))
    assert other.item() == pytest.approx((plain + divergence).item(), rel=1e-5)


def test_rounds_mine_what_holds_no_answer_and_a_second_call_does_nothing_again(asked, tmp_path, monkeypatch) -> None:
    torch.set_num_threads(1)
    start = write_start(tmp_path / "start")
    made = recipe(
        start,
        questions={"negatives": 1, "rounds": 1, "depth": 5, "epochs": 2},
        views={"mask": 0.0},
        objective={"mlm": 0.0, "direction": "passage"},
        optimisation={"batch": 4},
    )
    outcome = finetune_on(made, [asked], tmp_path / "out")
    assert outcome.step == 6
    assert outcome.checkpoint.parent.name == "round-1"
    assert "mined negatives" in (outcome.checkpoint / "README.md").read_text(encoding="utf-8")
    questions = {one.id: one for one in read_questions([asked])}
    mined = read_negatives(tmp_path / "out/round-1/negatives.jsonl")
    assert mined.keys() == questions.keys()
    assert any(mined.values())
    for name, passages in mined.items():
        texts = [one.text for one in passages]
        assert questions[name].positives[0].text not in texts
        assert len(texts) <= 5
        assert not any(questions[name].answers[0] in text.split() for text in texts)
    monkeypatch.setattr("lapca_bench.training.step.step.Step.backward", None)  # whatever is trained again fails
    monkeypatch.setattr("lapca_bench.training.finetune.mine_negatives", None)
    assert finetune_on(made, [asked], tmp_path / "out").checkpoint == outcome.checkpoint
    assert build(made.encoder.model_copy(update={"checkpoint": str(outcome.checkpoint)})).encode_queries(["aa1"]).any()


def test_a_teacher_is_a_system_of_the_harness(asked, tmp_path, monkeypatch) -> None:
    torch.set_num_threads(1)
    start = write_start(tmp_path / "start")
    head = 'name = "t"\ntitle = "T"\nkind = "dense"\nlicence = "MIT"\ncitation = "c"\nurl = "u"\nlanguages = ["*"]\n'
    table = f'[encoder]\ntype = "transformer"\ncheckpoint = "{start}"\npooling = "mean"\nquery_max_length = 16\n'
    (tmp_path / "t.toml").write_text(head + table + "document_max_length = 16\n", encoding="utf-8")
    objective = {"mlm": 0.0, "direction": "passage", "alignment": 0.0, "teacher": str(tmp_path / "t.toml")}
    optimisation = {"batch": 4, "steps": 1}
    made = recipe(
        start, views={"mask": 0.0}, objective=objective, optimisation=optimisation, trained={"dropout": False}
    )
    losses = []
    original = Training.run
    monkeypatch.setattr(Training, "run", lambda self: losses.append(original(self)) or losses[-1])
    finetune_on(made, [asked], tmp_path / "out")
    first = next(entry["loss"] for entry in losses[0].progress.history if "loss" in entry)
    assert first == pytest.approx(0.0, abs=1e-5)  # the student is the teacher still
