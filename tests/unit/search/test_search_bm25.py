"""BM25 on a real Lucene, over a handful of documents."""

import math
import tomllib
from importlib.resources import files

import pytest
from toys.search import ToyCollection, documents, queries

from lapca_bench.errors import InputError, MissingResourceError, StoreError
from lapca_bench.sealed import read_sealed, write_sealed
from lapca_bench.search.lexical.bm25 import BM25System
from lapca_bench.search.lexical.java import find_jar, find_java
from lapca_bench.search.lexical.lucene import LuceneIndex, analyser_of, write_index
from lapca_bench.search.lexical.machine import java
from lapca_bench.types import Document, Query


def _absent():
    try:
        find_java()
        find_jar()
    except MissingResourceError as error:
        return str(error)
    return ""


pytestmark = pytest.mark.skipif(bool(_absent()), reason=_absent() or "Lucene is here")

# One page of the kind that help-pages holds, in each of its languages; "needle" words stand in one document only.
PAGES = {
    "ar": ("حفظ المستند في ملف جديد", "حذف الصورة من الجدول"),
    "bn": ("নতুন ফাইলে নথি সংরক্ষণ করা", "টেবিল থেকে ছবি মুছে ফেলা"),
    "de": ("Dokumente in neuen Dateien speichern", "Bilder aus Tabellen löschen"),
    "el": ("Αποθήκευση εγγράφων σε νέα αρχεία", "Διαγραφή εικόνων από πίνακες"),
    "en": ("Saving documents to new files", "Deleting pictures from tables"),
    "es": ("Guardar documentos en archivos nuevos", "Eliminar imágenes de las tablas"),
    "fa": ("ذخیره سند در پرونده جدید", "حذف تصویر از جدول"),
    "fi": ("Asiakirjojen tallentaminen tiedostoihin", "Kuvien poistaminen taulukoista"),
    "fr": ("Enregistrer les documents dans des fichiers", "Supprimer les images des tableaux"),
    "hi": ("दस्तावेज़ नई फ़ाइल में सहेजना", "तालिका से चित्र मिटाना"),
    "id": ("Menyimpan dokumen ke berkas baru", "Menghapus gambar dari tabel"),
    "it": ("Salvare documenti in nuovi file", "Eliminare immagini dalle tabelle"),
    "ja": ("文書を新しいファイルに保存する", "表から画像を削除する"),
    "km": ("រក្សាទុក\u200bឯកសារ\u200bថ្មី", "លុប\u200bរូបភាព\u200bពី\u200bតារាង"),
    "ko": ("문서를 새 파일로 저장하기", "표에서 그림 삭제하기"),
    "nl": ("Documenten in nieuwe bestanden opslaan", "Afbeeldingen uit tabellen verwijderen"),
    "pt": ("Salvar documentos em novos arquivos", "Excluir imagens de tabelas"),
    "ru": ("Сохранение документов в новых файлах", "Удаление изображений из таблиц"),
    "sv": ("Spara dokument i nya filer", "Ta bort bilder från tabeller"),
    "sw": ("Kuhifadhi hati katika faili mpya", "Kufuta picha kutoka jedwali"),
    "te": ("కొత్త ఫైలులో పత్రాన్ని భద్రపరచడం", "పట్టిక నుండి చిత్రాన్ని తొలగించడం"),
    "th": ("บันทึกเอกสารเป็นไฟล์ใหม่", "ลบรูปภาพออกจากตาราง"),
    "tr": ("Belgeleri yeni dosyalara kaydetme", "Tablolardan resimleri silme"),
    "uk": ("Збереження документів у нових файлах", "Вилучення зображень із таблиць"),
    "vi": ("Lưu tài liệu vào tệp mới", "Xóa hình ảnh khỏi bảng"),
    "yo": ("Fífi ìwé pamọ́ sínú fáìlì tuntun", "Yíyọ àwòrán kúrò nínú tábìlì"),
    "zh": ("将文档保存到新文件", "从表格中删除图片"),
}


def search(tmp_path, corpus, asked, k=10, **settings):
    return BM25System(tmp_path / "indexes", **settings).search(ToyCollection(corpus), asked, k)


@pytest.mark.parametrize("language", PAGES)
def test_every_language_finds_its_own_document(tmp_path, language):
    corpus = documents(*PAGES[language], language=language)
    run = search(tmp_path, corpus, queries(*PAGES[language], language=language))
    assert [run.ranking(f"q{i}")[0][0] for i in range(2)] == ["d0", "d1"]


def test_help_pages_has_no_language_without_a_page_here():
    from lapca_bench.collections.help_pages.collection import LANGUAGES

    assert set(LANGUAGES) <= set(PAGES)


# What each language of Mr. TyDi and MIRACL is cut by, as the row shows it.
SHOWN = {
    "ar": "ArabicAnalyzer",
    "bn": "BengaliAnalyzer",
    "de": "GermanAnalyzer",
    "en": "DefaultEnglishAnalyzer",
    "es": "SpanishAnalyzer",
    "fa": "PersianAnalyzer",
    "fi": "FinnishAnalyzer",
    "fr": "FrenchAnalyzer",
    "hi": "HindiAnalyzer",
    "id": "IndonesianAnalyzer",
    "ja": "JapaneseAnalyzer",
    "ko": "CJKAnalyzer",
    "ru": "RussianAnalyzer",
    "sw": "WhitespaceAnalyzer",
    "te": "TeluguAnalyzer",
    "th": "standard+lowercase+nGram",
    "yo": "standard+lowercase",
    "zh": "CJKAnalyzer",
}


@pytest.mark.parametrize("family", ["mr-tydi", "miracl"])
def test_no_language_of_mr_tydi_and_miracl_is_left_to_the_fallback(tmp_path, family):
    from lapca_bench.collections import registry

    asked = {language for name in registry.expand(family) for language in registry.card(name).document_languages}
    assert asked <= set(SHOWN)
    assert len(asked) == {"mr-tydi": 11, "miracl": 18}[family]
    corpus = [Document(f"d-{language}", PAGES[language][0], language=language) for language in sorted(asked)]
    run = search(tmp_path, corpus, queries("x"))
    assert run.notes["analysers"] == {language: SHOWN[language] for language in sorted(asked)}


def test_every_analyser_of_the_table_can_be_made(tmp_path):
    table = tomllib.loads(files("lapca_bench.search.lexical").joinpath("analysers.toml").read_text("utf-8"))
    with java() as autoclass:
        for language in table:
            assert analyser_of(language).make(autoclass) is not None
    assert analyser_of("tlh").fallback
    assert not analyser_of("en").fallback


def test_scores_are_bm25(tmp_path):
    run = search(tmp_path, documents("alpha beta", "alpha gamma delta", "gamma"), queries("alpha"), k1=0.9, b=0.4)
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = {f"d{i}": idf / (1 + 0.9 * (0.6 + 0.4 * length / 2)) for i, length in ((0, 2), (1, 3))}
    assert dict(run.ranking("q0")) == pytest.approx(expected, rel=1e-6)


def test_a_tie_on_the_cut_goes_to_the_larger_id(tmp_path):
    corpus = [Document(name, "the same words", language="en") for name in ("d10", "ü", "d9", "z", "d100")]
    run = search(tmp_path, corpus, queries("same words"), k=3)
    assert [document for document, _ in run.ranking("q0")] == ["ü", "z", "d9"]


@pytest.mark.parametrize(
    "text", ["dog AND (", "dog^5", '"dog', "title:(dog)", "dog~", "-dog", "dog OR NOT *", "[a TO dog]"]
)
def test_query_syntax_is_not_interpreted(tmp_path, text):
    run = search(tmp_path, documents("a dog", "a cat"), queries(text))
    assert "d0" in dict(run.ranking("q0"))
    assert "d1" not in dict(run.ranking("q0"))


@pytest.mark.parametrize("text", ["", "   ", "?!", "the of", "zebra", "\0", "\ud800"])
def test_queries_without_a_known_term_find_nothing(tmp_path, text):
    run = search(tmp_path, documents("a dog", "a cat"), queries(text, "dog"))
    assert (run.ranking("q0"), len(run.ranking("q1"))) == ([], 1)


def test_a_query_may_be_as_long_as_a_document(tmp_path):
    run = search(tmp_path, documents("a dog"), queries(" ".join(f"word{i}" for i in range(5000)) + " dog"))
    assert len(run.ranking("q0")) == 1


def test_an_index_is_built_once(tmp_path):
    corpus = documents("a dog", "a cat")
    first = search(tmp_path, corpus, queries("dog"))
    manifest = next((tmp_path / "indexes").glob("*/index.json"))
    before = manifest.stat().st_mtime_ns
    again = search(tmp_path, corpus, queries("dog"), k1=2.0)
    assert manifest.stat().st_mtime_ns == before
    assert first.notes["index_bytes"] == again.notes["index_bytes"] > 0
    assert again.notes["timings"]["index"] == 0
    assert len(list((tmp_path / "indexes").glob("*/index.json"))) == 1


def test_a_pool_is_searched_language_by_language(tmp_path):
    corpus = [*documents("Hunde bellen", language="de"), Document("e0", "dogs bark", language="en")]
    run = search(tmp_path, corpus, [Query("q0", "Hund", "de"), Query("q1", "dog", "en")])
    assert [run.ranking(query)[0][0] for query in ("q0", "q1")] == ["d0", "e0"]
    assert run.notes["analysers"] == {"de": "GermanAnalyzer", "en": "DefaultEnglishAnalyzer"}


def test_a_language_without_an_analyser_says_so(tmp_path):
    run = search(tmp_path, documents("batlh Daqawlu'taH", language="tlh"), queries("Daqawlu'taH"))
    assert "fallback" in run.notes["analysers"]["tlh"]
    assert len(run) == 1


def test_languages_that_alternate_are_refused(tmp_path):
    corpus = [Document(f"d{i}", "text", language=language) for i, language in enumerate(("de", "en", "de"))]
    with pytest.raises(InputError, match="do not come one after the other"):
        search(tmp_path, corpus, queries("text"))


@pytest.mark.parametrize("ids", [("a", "a"), ("", "a"), ("\ud800", "a"), ("x" * 40_000, "a")])
def test_bad_ids_are_refused_and_leave_no_index(tmp_path, ids):
    corpus = [Document(identifier, f"text {i}", language="en") for i, identifier in enumerate(ids)]
    with pytest.raises(InputError, match="id"):
        search(tmp_path, corpus, queries("text"))
    assert [path.name for path in (tmp_path / "indexes").iterdir()] == ["locks"]


def test_a_damaged_index_is_named(tmp_path):
    corpus, asked = documents("a dog", "a cat"), queries("dog")
    search(tmp_path, corpus, asked)
    folder = next((tmp_path / "indexes").glob("*/index.json")).parent
    segments = next(folder.glob("segments_*"))
    content = segments.read_bytes()
    segments.write_bytes(content[:-4])
    with pytest.raises(StoreError, match="Lucene index cannot be read") as raised:
        search(tmp_path, corpus, asked)
    assert raised.value.path == folder
    segments.write_bytes(content)
    write_sealed(folder / "index.json", {**read_sealed(folder / "index.json", ""), "ids": ["d0"]})
    with pytest.raises(StoreError, match="holds 2 documents where 1"):
        search(tmp_path, corpus, asked)
    (folder / "index.json").write_text("{")
    with pytest.raises(StoreError, match="manifest"):
        search(tmp_path, corpus, asked)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="Lucene cannot write"):
        write_index(tmp_path / "file", documents("a dog"), analyser_of("en"))


def test_an_index_of_nothing(tmp_path):
    assert write_index(tmp_path, [], analyser_of("en")) == []
    assert [len(numbers) for numbers, _ in LuceneIndex(tmp_path, 0, analyser_of("en"), 0.9, 0.4).search(["x"], 3)] == [
        0
    ]
