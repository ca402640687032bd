"""parallel-mini: that its texts are parallel, and what its subsets hold."""

import json
import re
import unicodedata
from itertools import chain

import pytest

from lapca_bench.collections.languages import language
from lapca_bench.collections.parallel_mini.collection import PARALLEL_MINI, START, topics
from lapca_bench.collections.registry import expand, load
from lapca_bench.errors import InputError, UsageError

LANGUAGES = PARALLEL_MINI.languages
TOPICS = {x: topics(PARALLEL_MINI.path(x)) for x in LANGUAGES}
SCRIPT = {
    "Arab": "ARABIC",
    "Cyrl": "CYRILLIC",
    "Deva": "DEVANAGARI",
    "Grek": "GREEK",
    "Hans": "CJK",
    "Latn": "LATIN",
    "Thai": "THAI",
}
each = pytest.mark.parametrize("code", LANGUAGES)


def lines(code):
    """Every sentence and question of a language, in order."""
    return [text for topic in TOPICS[code] for text in (*topic.sentences, *(q for q, _ in topic.questions))]


def test_it_is_as_large_as_its_card_says():
    assert len(LANGUAGES) == 11
    assert all(len(found) == 40 for found in TOPICS.values())
    assert sum(PARALLEL_MINI.path(x).stat().st_size for x in LANGUAGES) < 1_000_000
    assert all(count.equal for count in PARALLEL_MINI.counts("mixed"))
    assert all(4 <= len(topic.sentences) <= 6 and len(topic.questions) == 2 for topic in TOPICS["en"])


@each
def test_topics_sentences_and_answers_are_those_of_english(code):
    def shape(topic):
        return topic.name, len(topic.sentences), [answer for _, answer in topic.questions]

    assert [shape(topic) for topic in TOPICS[code]] == [shape(topic) for topic in TOPICS["en"]]


@each
def test_numbers_agree_and_digits_are_ascii(code):
    for english, text in zip(lines("en"), lines(code), strict=True):
        assert sorted(re.findall(r"[0-9]+", text)) == sorted(re.findall(r"[0-9]+", english)), text
        assert not any(c.isdigit() and c not in "0123456789" for c in text), text


@each
def test_letters_are_of_the_language_s_script(code):
    wanted = SCRIPT[language(code).script]
    letters = [c for text in lines(code) for c in text if c.isalpha()]
    of_it = sum(wanted in unicodedata.name(c) for c in letters)
    assert of_it / len(letters) > 0.99
    for text in lines(code):
        assert any(wanted in unicodedata.name(c) for c in text if c.isalpha()), text


@each
def test_lengths_lie_in_a_range_of_the_english(code):
    """A line much shorter or longer than its language's usual ratio has lost or won something."""
    pairs = list(zip(lines("en"), lines(code), strict=True))
    usual = sum(len(text) for _, text in pairs) / sum(len(english) for english, _ in pairs)
    for english, text in pairs:
        assert 0.45 < (len(text) + 10 * usual) / (len(english) + 10) / usual < 1.8, (english, text)


@each
def test_nothing_comes_twice_and_nothing_is_ragged(code):
    found = lines(code)
    assert len(set(found)) == len(found)
    for text in found:
        assert text == " ".join(text.split()) == unicodedata.normalize("NFC", text)


@each
def test_sentences_and_questions_end_as_the_language_ends_them(code):
    full, mark = {"hi": ("।", "?"), "zh": ("。", "？"), "ar": (".", "؟"), "el": (".", ";")}.get(code, (".", "?"))
    if code == "th":  # which writes neither
        assert not any(text.endswith((".", "?")) for text in lines(code))
        return
    for topic in TOPICS[code]:
        assert all(sentence.endswith(full) for sentence in topic.sentences)
        assert all(question.endswith(mark) for question, _ in topic.questions)


def words(text):
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) > 3}


def test_a_question_says_little_of_what_answers_it():
    """Fewer than two longer words in common in nine of ten English questions, and never more than two."""
    common = [
        len(words(question) & words(topic.sentences[answer]))
        for topic in TOPICS["en"]
        for question, answer in topic.questions
    ]
    assert max(common) <= 2
    assert sum(n < 2 for n in common) >= 0.9 * len(common)


def test_words_alone_do_not_find_the_sentence():
    """In its own paragraph, shared words pick the answer of fewer than half of the questions of a language."""
    for code in sorted(set(LANGUAGES) - {"th", "zh"}):
        hits, asked = 0, 0
        for topic in TOPICS[code]:
            for question, answer in topic.questions:
                shared = [len(words(question) & words(sentence)) for sentence in topic.sentences]
                hits += shared[answer] == max(shared) and shared.count(max(shared)) == 1
                asked += 1
        assert hits / asked < 0.5, code


def test_the_mixed_pool_holds_every_language_and_a_target_in_each():
    collection = load("parallel-mini/mixed")
    documents = {document.id: document for document in collection.documents()}
    assert len(documents) == len(LANGUAGES) * 237 == collection.card.policy.depth
    assert collection.card.policy.measures == ("AP", "AP_cap@20")
    for query in collection.queries():
        targets = collection.relevance().judgements[query.id]
        assert {documents[name].language for name in targets} == set(LANGUAGES)
        assert len(targets) == len(LANGUAGES)


def test_documents_of_a_language_come_together_and_context_adds_the_paragraph():
    documents = list(load("parallel-mini/mixed-context").documents())
    order = list(dict.fromkeys(document.language for document in documents))
    assert [document.language for document in documents] == sorted((d.language for d in documents), key=order.index)
    assert all(document.title in document.text for document in documents)


def test_one_language_of_questions_has_the_whole_pool():
    collection = load("parallel-mini/th-mixed")
    assert {query.language for query in collection.queries()} == {"th"}
    assert len({document.language for document in collection.documents()}) == len(LANGUAGES)


def test_paragraphs_of_one_language_are_asked_in_another():
    collection = load("parallel-mini/hi-en")
    documents = {document.id: document for document in collection.documents()}
    assert len(documents) == 40
    assert len(collection.queries()) == 80
    moon = collection.relevance().judgements["moon-0"]
    assert moon == {"en_moon": 1}
    assert documents["en_moon"].text.startswith("The Moon travels around the Earth once in about 27 days. It always")


def test_chinese_sentences_are_joined_without_a_space():
    assert all(" " not in document.text for document in load("parallel-mini/zh-zh").documents())


def test_groups_are_pairs_of_languages():
    assert set(START) <= set(PARALLEL_MINI.subsets())
    assert expand("parallel-mini") == expand("parallel-mini/xx-en")
    assert len(expand("parallel-mini/xx-en")) == 10
    assert len(expand("parallel-mini/xx-xx")) == 11
    known = set(PARALLEL_MINI.subsets())
    assert set(chain.from_iterable(PARALLEL_MINI.groups().values())) <= known


def test_a_language_it_lacks_is_an_error():
    with pytest.raises(UsageError):
        load("parallel-mini/fi-en")


@pytest.mark.parametrize(
    "line",
    [
        {"topic": "a", "sentences": ["One."], "questions": [{"question": "?", "answer": 1}]},
        {"topic": "a", "sentences": ["One."], "questions": [{"question": "?"}]},
        {"topic": "a", "sentences": 3, "questions": []},
    ],
)
def test_a_changed_file_is_told_with_its_line(tmp_path, line):
    path = tmp_path / "en.jsonl"
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError) as caught:
        topics(path)
    assert caught.value.line == 1


def test_a_side_with_other_counts_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "en.jsonl"
    path.write_text(PARALLEL_MINI.path("en").read_text().splitlines()[0] + "\n")
    monkeypatch.setattr(PARALLEL_MINI, "path", lambda _: path)
    with pytest.raises(InputError, match="80 expected"):
        load("parallel-mini/en-en")
