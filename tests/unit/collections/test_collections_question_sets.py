"""Sentences in any script, question sets, and the pools that are made of their held-out articles."""

import gzip
import json
from pathlib import Path

import pytest

from lapca_bench.collections.question_sets.asked import read_question_set
from lapca_bench.collections.question_sets.collection import LAREQA_LIKE
from lapca_bench.collections.question_sets.sentence_spans import sentence_spans
from lapca_bench.errors import InputError, MissingResourceError, UsageError


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("en", "It was here.  Was it now? Yes!\nNext line", ["It was here.", "Was it now? Yes!", "Next line"]),
        ("tr", "Beylik kuruldu.Osman Bey geldi.", ["Beylik kuruldu.", "Osman Bey geldi."]),
        (
            "ja",
            "これは一つ目の文である。「二つ目。」と言った。",
            ["これは一つ目の文である。", "「二つ目。」と言った。"],
        ),
        ("hi", "यह पहला वाक्य है। यह दूसरा वाक्य है।", ["यह पहला वाक्य है।", "यह दूसरा वाक्य है।"]),
        ("th", "ก" * 90 + " " + "ข" * 50, ["ก" * 90, "ข" * 50]),
        ("th", "ก" * 90 + " " + "ข" * 10, ["ก" * 90 + " " + "ข" * 10]),
        ("en", "  \n ", []),
    ],
)
def test_sentences_of_many_scripts(language: str, text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text, language)] == sentences


def packed(path: Path, records: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


TEXT = "The first one is red. The second one is blue. The third one is red too."


def write_set(folder: Path, language: str, articles: int = 60) -> None:
    paragraphs = [
        {"paragraph": f"{language}-{n}", "language": language, "title": f"article {n}", "text": TEXT}
        for n in range(articles)
    ]
    questions = [
        {"id": f"{n}-{word}", "question": f"which is {word}?", "paragraph": f"{language}-{n}", "answers": answers}
        for n in range(articles)
        for word, answers in (
            ("red", [{"text": "red", "start": TEXT.index("red")}]),
            ("blue", [{"text": "blue", "start": TEXT.index("blue")}]),
            ("green", []),
        )
    ]
    packed(folder / "paragraphs.jsonl.gz", paragraphs)
    packed(folder / "questions.jsonl.gz", questions)


def test_an_answer_belongs_to_its_sentence_and_others_may_hold_it_too(tmp_path: Path) -> None:
    write_set(tmp_path, "xx", 1)
    (paragraph,) = read_question_set(tmp_path)
    found = {question.text: (question.answer, question.also) for question in paragraph.questions}
    assert found == {"which is red?": (0, (2,)), "which is blue?": (1, ())}
    assert paragraph.sentence(1) == "The second one is blue."


def test_a_question_about_no_paragraph_is_told_with_its_line(tmp_path: Path) -> None:
    write_set(tmp_path, "xx", 1)
    packed(tmp_path / "questions.jsonl.gz", [{"id": "1", "question": "?", "paragraph": "none", "answers": []}])
    with pytest.raises(InputError, match="about no paragraph: 'none'") as told:
        list(read_question_set(tmp_path))
    assert "questions.jsonl.gz:1" in str(told.value)


@pytest.fixture
def data(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("LAPCA_BENCH_DATA", str(tmp_path))
    return tmp_path


def test_pools_hold_held_out_articles_alone(data: Path) -> None:
    write_set(data / "training" / "qa-tr-enelpi", "tr")
    held_out = [one for one in read_question_set(data / "training" / "qa-tr-enelpi") if one.held_out]
    assert 0 < len(held_out) < 20
    pool = LAREQA_LIKE.load("tr-enelpi")
    documents, queries = list(pool.documents()), pool.queries()
    assert len(documents) == 3 * len(held_out)
    assert len(queries) == 2 * len(held_out)
    judged = pool.relevance().judgements
    by_id = {document.id: document.text for document in documents}
    assert {by_id[name] for query in queries if "blue" in query.id for name in judged[query.id]} == {
        "The second one is blue."
    }
    context = next(iter(LAREQA_LIKE.load("tr-enelpi-context").documents()))
    assert (context.title, context.text) == ("The first one is red.", TEXT)


def test_the_faq_wants_the_answer_in_every_language(data: Path) -> None:
    languages = ("en", "ar", "de", "el", "es", "hi", "ru", "tr", "zh_CN")
    keys = {
        ".faq.what": "what?",
        ".faq.whattxt1": "this",
        ".about.long": "x" * 80,
        ".about.short": "x",
        ".faq.lost": "?",
    }
    texts = [{"key": key, "texts": {code: f"{text} {code}" for code in languages}} for key, text in keys.items()]
    packed(data / "training/bitcoin-org/texts.jsonl.gz", texts)
    pool = LAREQA_LIKE.load("faq")
    assert len(list(pool.documents())) == 2 * len(languages)
    assert len(pool.queries()) == len(languages)
    assert set(pool.relevance().judgements[".faq.what_zh"]) == {f".faq.whattxt1_{code[:2]}" for code in languages}


def test_absent_files_and_subsets_are_told(data: Path) -> None:
    assert not LAREQA_LIKE.presence("mixed").present
    with pytest.raises(MissingResourceError, match=r"questions\.jsonl\.gz"):
        LAREQA_LIKE.load("ja-jaquad")
    with pytest.raises(UsageError, match="lareqa-like/none"):
        LAREQA_LIKE.card("none")
