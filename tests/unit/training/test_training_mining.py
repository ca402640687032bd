"""Blocks, readers of linked text, margins and the pairs they give."""

import json

import numpy as np
import pytest

from lapca_bench.errors import InputError, StoreError, UsageError
from lapca_bench.store import cache
from lapca_bench.store.executor import LocalExecutor
from lapca_bench.training.batches.pair_table import PairTable, Text
from lapca_bench.training.batches.settings import PairSettings
from lapca_bench.training.batches.views import crop, random_sentence
from lapca_bench.training.mining.anywhere import approximate_nearest, exact_nearest, mutual_nearest, pairs_anywhere
from lapca_bench.training.mining.chunks import MinedPair, cut
from lapca_bench.training.mining.gold import is_gold
from lapca_bench.training.mining.margin import mutual_best, ratio_margins
from lapca_bench.training.mining.mine import MinedFile, Sieve, kept, mine_to_file
from lapca_bench.training.mining.pair_file import write_pairs
from lapca_bench.training.mining.propose import pairs_inside, proposed
from lapca_bench.training.mining.report import Agreement, MiningReport
from lapca_bench.training.mining.settings import MiningSettings
from lapca_bench.training.recipe import load_recipe, named_changes, shipped_recipes
from lapca_bench.training.text.corpora import corpus_of
from lapca_bench.training.text.help_pages import Guard, HelpPagesCorpus
from lapca_bench.training.text.json_lines import JsonLinesCorpus
from lapca_bench.training.text.linked import Block, BlockSettings, LinkedPage, LinkedParagraph, blocks
from lapca_bench.training.text.parallel_files import ParallelCorpus
from lapca_bench.training.text.sentences import sentences
from lapca_bench.training.text.wikipedia import WikipediaCorpus


def counted(found):
    rows = np.array([[1 + b.text.lower().count(chr(97 + i)) * 10 for i in range(26)] for b in found], dtype=np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def letters(by_language):
    """An aligner whose vectors count letters, case ignored: equal words in two languages align."""
    return {language: np.split(counted(found), [1]) for language, found in by_language.items()}


class Corpus:
    name, licence = "toy", "CC0-1.0"

    def __init__(self, *groups):
        self._groups = groups

    def groups(self):
        return iter(self._groups)


def page(language: str, *texts: str, title: str = "") -> LinkedPage:
    return LinkedPage(
        "p", language, title, tuple(LinkedParagraph(text, str(number)) for number, text in enumerate(texts))
    )


PARAGRAPHS = BlockSettings(unit="paragraph", minimum_characters=1)


def test_ratio_margins_by_hand() -> None:
    left, right = np.eye(2, dtype=np.float32), np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)
    found = ratio_margins(left, right, neighbours=2)
    across, down = [(1 + 0.6) / 2, (0 + 0.8) / 2], [(1 + 0) / 2, (0.6 + 0.8) / 2]
    assert found[0, 0] == pytest.approx(1 / ((across[0] + down[0]) / 2))
    assert found[1, 1] == pytest.approx(0.8 / ((across[1] + down[1]) / 2))


def test_mutual_best_needs_both_sides_and_the_threshold() -> None:
    margins = np.array([[1.2, 1.1], [1.3, 0.9]])
    assert mutual_best(margins, 1.0) == [(1, 0, 1.3)]
    assert mutual_best(margins, 1.4) == []
    assert mutual_best(np.zeros((0, 3)), 0.0) == []


SHUFFLED = [
    page("aa", "quiz", "jazz", "fly"),
    LinkedPage("p", "bb", "", (LinkedParagraph("FLY", "2"), LinkedParagraph("QUIZ", "0"))),
]


def mined(settings, *groups, embed=letters):
    return [pair for chunk in cut(Corpus(*groups), settings) for pair in pairs_inside(chunk, settings, embed)]


def texts(pairs):
    return {(pair.left.text, pair.right.text) for pair in pairs}


def test_mining_finds_the_gold_alignment_of_shuffled_paragraphs() -> None:
    """All thresholds out of one run; figures by hand: two of the mined pairs are gold."""
    settings = MiningSettings(blocks=PARAGRAPHS, neighbours=2)
    other = [
        LinkedPage("q", "aa", "", (LinkedParagraph("wow", "0"),)),
        LinkedPage("q", "bb", "", (LinkedParagraph("WOW", "0"),)),
    ]
    report = MiningReport([0.5, 1.0, 9.0])
    chunks = cut(Corpus(SHUFFLED, other), settings)
    found = list(kept(proposed(chunks, settings, letters, LocalExecutor()), 0.0, report))
    assert texts(found) == {("quiz", "QUIZ"), ("fly", "FLY"), ("wow", "WOW")}
    gold = mined(settings.model_copy(update={"method": "gold"}), SHUFFLED, other)
    assert texts(gold) == texts(found)
    assert report.agreement(0.5) == {"aa-bb": Agreement(3, 3, 3)}
    assert report.agreement(9.0) == {"aa-bb": Agreement(0, 3, 0)}
    assert set(report.content()["agreement"]) == {"0.50", "1.00", "9.00"}
    assert report.content()["agreement"]["9.00"]["all"]["f1"] == 0


def test_agreement_by_hand() -> None:
    """Six mined, five gold, three in both."""
    one = Agreement(4, 3, 2) + Agreement(2, 2, 1)
    assert (one.precision, one.recall) == (1 / 2, 3 / 5)
    assert one.f1 == pytest.approx(2 * 0.5 * 0.6 / 1.1)
    assert Agreement(0, 0, 0).f1 == 0


def test_global_mining_crosses_pages_and_knows_its_gold() -> None:
    settings = MiningSettings(blocks=PARAGRAPHS, neighbours=2, scope="global")
    astray = [
        LinkedPage("q", "aa", "", (LinkedParagraph("jumbo", "0"),)),
        LinkedPage("q", "bb", "", (LinkedParagraph("JAZZ", "0"),)),
    ]
    (chunk,) = cut(Corpus(SHUFFLED, astray), settings)
    found = list(pairs_anywhere(chunk, settings, letters, LocalExecutor()))
    assert texts(found) >= {("quiz", "QUIZ"), ("fly", "FLY"), ("jazz", "JAZZ")}
    right = {pair.left.text: is_gold(pair.left, pair.right) for pair in found}
    assert (right["quiz"], right["fly"], right["jazz"]) == (True, True, False)


def test_neighbours_exact_and_approximate() -> None:
    """Exact equals sorting the whole matrix; faiss finds nine in ten of them on 3,000 clustered rows."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(60, 16))
    rows = (centres[random.integers(60, size=3000)] + 0.2 * random.normal(size=(3000, 16))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries = rows[:50] + np.float32(0.01)
    places, cosines = exact_nearest([queries], [rows[:100], rows[100:]], 4)
    whole = queries.astype(np.float64) @ rows.astype(np.float64).T
    np.testing.assert_allclose(cosines, -np.sort(-whole, axis=1)[:, :4], atol=1e-6)
    np.testing.assert_array_equal(places, np.argsort(-whole, axis=1, kind="stable")[:, :4])
    pytest.importorskip("faiss")
    near, _ = approximate_nearest([queries], [rows], 4)
    assert np.mean([len({*one} & {*other}) / 4 for one, other in zip(places, near, strict=True)]) > 0.9


def test_global_margins_equal_those_of_the_whole_matrix() -> None:
    """Where k reaches all rows, the margins of neighbours are the margins of the matrix."""
    random = np.random.default_rng(1)
    left, right = (
        counted([Block("", "", "", "".join(random.choice(list("abcd"), 9))) for _ in range(5)]) for _ in "12"
    )
    nearest = exact_nearest([left], [right], 5), exact_nearest([right], [left], 5)
    found, whole = mutual_nearest(*nearest), mutual_best(ratio_margins(left, right, 5), 0.0)
    assert [pair[:2] for pair in found] == [pair[:2] for pair in whole]
    np.testing.assert_allclose([pair[2] for pair in found], [pair[2] for pair in whole], rtol=1e-5)


def test_lead_blocks_and_deduplication() -> None:
    group = [page("aa", "one", "two"), page("bb", "eins", "zwei"), page("cc", "one")]
    pairs = list(filter(Sieve(1.0).keeps, mined(MiningSettings(method="lead", blocks=PARAGRAPHS), group, group)))
    assert [(pair.left.text, pair.right.text) for pair in pairs] == [("one", "eins"), ("eins", "one")]
    assert list(filter(Sieve(1.1).keeps, pairs)) == []


def test_an_excluded_language_is_not_mined() -> None:
    group = [page("aa", "one"), page("bb", "eins"), page("cc", "un")]
    settings = MiningSettings(method="gold", exclude_languages=("cc",), blocks=PARAGRAPHS)
    assert {pair.language_pair for pair in mined(settings, group)} == {"aa-bb"}


def test_a_sample_of_pages_is_spread_by_a_hash_and_repeatable() -> None:
    groups = [[LinkedPage(f"{n}", "aa", "", (LinkedParagraph(f"text {n}"),))] for n in range(50)]
    settings = MiningSettings(pages=5, blocks=PARAGRAPHS)
    sample = [[group["aa"][0].link for group in chunk] for chunk in cut(Corpus(*groups), settings)]
    again = [[group["aa"][0].link for group in chunk] for chunk in cut(Corpus(*groups[::-1]), settings)]
    assert sample == again
    assert len(sample[0]) == 5
    assert sample[0] != [str(n) for n in range(5)]


def test_margin_mining_without_an_aligner_says_so() -> None:
    with pytest.raises(InputError, match="needs an aligner"):
        mined(MiningSettings(blocks=PARAGRAPHS), SHUFFLED, embed=None)


@pytest.fixture
def jsonl(tmp_path):
    path = tmp_path / "pages.jsonl"
    lines = [
        {"link": f"{n}", "language": code, "paragraphs": [{"id": str(i), "text": text} for i, text in enumerate(found)]}
        for n, words in enumerate((("the cat sat", "mat 42"), ("zebra mat", "sat the zebra")))
        for code, found in (("en", words), ("xx", [f"{text} ." for text in words[::-1]]))
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def small_recipe(**changes):
    blocks_ = {"mining.blocks": {"unit": "paragraph", "minimum_characters": 1}, "mining.exclude_languages": []}
    return load_recipe("small", **blocks_ | changes)


def test_the_verb_reports_every_threshold_and_encodes_nothing_twice(jsonl, tmp_path, monkeypatch) -> None:
    pytest.importorskip("torch")
    from toys.checkpoints import write_checkpoint

    from lapca_bench.encoders.kinds.transformer import TransformerEncoder

    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    write_checkpoint(tmp_path / "tiny")
    head = 'name = "tiny"\ntitle = "T"\nkind = "dense"\nlicence = "MIT"\ncitation = "c"\nurl = "u"\n'
    table = f'[encoder]\ntype = "transformer"\ncheckpoint = "{tmp_path / "tiny"}"\npooling = "mean"\n'
    table += "query_max_length = 16\ndocument_max_length = 16\n"
    card = tmp_path / "tiny.toml"
    card.write_text(head + 'languages = ["*"]\n' + table, encoding="utf-8")
    made = small_recipe(**{"mining.method": "margin", "mining.aligner": str(card)})
    written = mine_to_file(made.mining, str(jsonl), tmp_path / "one.parquet")
    report = json.loads((tmp_path / "one.report.json").read_text(encoding="utf-8"))
    assert written == MinedFile(tmp_path / "one.parquet", report["pairs"], 1)
    assert set(report["agreement"]) == {"1.00", "1.03", "1.06"}
    assert report["agreement"]["1.00"]["en-xx"]["gold"] == 4
    assert sum(report["margins"].values()) >= report["pairs"] >= 1
    monkeypatch.setattr(TransformerEncoder, "encode_documents", None)  # whatever is encoded again fails
    mine_to_file(made.mining, str(jsonl), tmp_path / "two.parquet")
    assert PairTable.read([tmp_path / "one.parquet"]).column("left") == PairTable.read(
        [tmp_path / "two.parquet"]
    ).column("left")
    card.write_text(head + 'languages = ["en", "de"]\n' + table, encoding="utf-8")
    with pytest.raises(UsageError, match="lacks the language 'xx'") as caught:
        mine_to_file(made.mining, str(jsonl), tmp_path / "three.parquet")
    assert "exclude_languages" in str(caught.value)
    assert not (tmp_path / "three.parquet").exists()


def test_the_verb_writes_nothing_where_nothing_is_found(jsonl, tmp_path) -> None:
    made = small_recipe(**{"mining.exclude_languages": ["xx"]})
    with pytest.raises(InputError, match="no pairs"):
        mine_to_file(made.mining, str(jsonl), tmp_path / "out" / "pairs.parquet")
    assert list((tmp_path / "out").iterdir()) == []


def test_no_pairs_write_nothing(tmp_path) -> None:
    with pytest.raises(InputError, match="no pairs"):
        write_pairs(tmp_path / "pairs.parquet", [])
    assert list(tmp_path.iterdir()) == []


def test_pairs_of_one_language_are_refused(tmp_path) -> None:
    pair = MinedPair(Block("1", "p", "aa", "one"), Block("2", "p", "aa", "uno"), 1.0)
    write_pairs(tmp_path / "pairs.parquet", [pair])
    with pytest.raises(InputError, match="one language only"):
        PairTable.read([tmp_path / "pairs.parquet"]).filtered(PairSettings())


def test_a_file_that_is_no_parquet(tmp_path) -> None:
    (tmp_path / "pairs.parquet").write_text("no")
    with pytest.raises(InputError, match="not a readable Parquet"):
        PairTable.read([tmp_path / "pairs.parquet"])


def test_blocks_pack_paragraphs_to_the_budget_with_the_title() -> None:
    long = page("aa", *["ten words " * 5] * 6, title="Title")
    cut = blocks(long, BlockSettings(words=20))
    assert [len(block.text.split()) for block in cut] == [21, 21, 21]
    assert all(block.text.startswith("Title. ") for block in cut)
    assert cut[0].paragraphs == ("0", "1")


def test_blocks_of_unspaced_scripts_count_characters() -> None:
    cut = blocks(page("ja", "文" * 100 + "。" + "字" * 100), BlockSettings(characters={"ja": 80}))
    assert [len(block.text) for block in cut] == [101, 100]


def test_gold_needs_more_than_half_in_common() -> None:
    one = Block("1", "p", "aa", "x", ("a", "b"))
    assert is_gold(one, Block("2", "p", "bb", "y", ("a", "b", "c")))
    assert not is_gold(one, Block("2", "p", "bb", "y", ("a",)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "not JSON"),
        ('{"link": "a", "text": "x"}', "no language"),
        ('{"link": "a", "language": "en"}', "without text"),
        ('{"link": "a", "language": "en", "paragraphs": [3]}', "no text"),
    ],
)
def test_own_pages_with_a_bad_line(tmp_path, line, message) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        list(JsonLinesCorpus(path).groups())
    assert caught.value.line == 1


def test_own_pages_must_stand_together(tmp_path) -> None:
    path = tmp_path / "pages.jsonl"
    lines = [{"link": link, "language": "en", "text": "x"} for link in ("a", "b", "a")]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.raises(InputError, match="comes again"):
        list(JsonLinesCorpus(path).groups())


def test_wikipedia_extracts_are_joined_by_their_links(tmp_path, monkeypatch) -> None:
    for language, title, text in (("en", "Cat", "A cat.\n\nPurrs."), ("ja", "猫", "猫です。"), ("en", "Dog", "A dog.")):
        folder = tmp_path / "wiki" / language / "AA"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "wiki_00").open("a", encoding="utf-8") as out:
            out.write(json.dumps({"title": title, "text": text}, ensure_ascii=False) + "\n")
    (tmp_path / "wiki" / "langlinks.tsv").write_text("ja\t猫\ten\tCat\n", encoding="utf-8")
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    corpus = corpus_of(str(tmp_path / "wiki"))
    assert isinstance(corpus, WikipediaCorpus)
    (group,) = corpus.groups()
    assert [(one.language, one.title, len(one.paragraphs)) for one in group] == [("en", "Cat", 2), ("ja", "猫", 1)]
    (index,) = (tmp_path / "cache" / "linked").glob("*/links.sqlite")
    content = bytearray(index.read_bytes())
    content[-9] ^= 4
    index.write_bytes(content)
    with pytest.raises(StoreError, match=r"does not match its digests: links\.sqlite"):
        list(corpus.groups())
    assert [found.path for found in cache.verify(tmp_path / "cache", repair=True)] == [index.parent]
    assert len(list(corpus.groups())) == 1


def test_parallel_files_link_equal_lines(tmp_path) -> None:
    for first, text in (("ar", "alif"), ("fi", "yksi")):
        folder = tmp_path / f"{first}-en"
        folder.mkdir()
        (folder / f"{first}.txt").write_text(text + "\n", encoding="utf-8")
        (folder / "en.txt").write_text("one\n", encoding="utf-8")
    (group,) = ParallelCorpus(tmp_path).groups()
    assert [one.language for one in group] == ["ar", "en", "fi"]
    (tmp_path / "fi-en" / "en.txt").write_text("one\ntwo\n", encoding="utf-8")
    with pytest.raises(InputError, match="1 lines against 2"):
        list(ParallelCorpus(tmp_path).groups())


def test_sentences_of_several_scripts() -> None:
    assert sentences("One. Two? Three") == ["One.", "Two?", "Three"]
    assert sentences("猫です。犬です。") == ["猫です。", "犬です。"]
    assert sentences("एक। दो") == ["एक।", "दो"]
    assert sentences("ﾈｺ｡ｲﾇ｡") == ["ﾈｺ｡", "ｲﾇ｡"]
    assert sentences("one\n two \n") == ["one", "two"]
    assert sentences(" \n ") == []


def test_blocks_and_views_know_the_same_ends_of_sentences() -> None:
    """A paragraph longer than a block is cut at every terminator that a sentence view ends at, the narrow ｡ too."""
    settings = BlockSettings(characters={"ja": 4}, minimum_characters=1, title=False)
    for end in "。！？｡":
        cut_up = blocks(page("ja", f"ネコ{end}イヌモ{end}"), settings)
        assert [block.text for block in cut_up] == [f"ネコ{end}", f"イヌモ{end}"]
        assert {random_sentence(f"{'ネコ' * 5}{end}{'イヌ' * 5}{end}", np.random.default_rng(n)) for n in range(9)} == {
            f"{'ネコ' * 5}{end}",
            f"{'イヌ' * 5}{end}",
        }


def test_a_crop_is_half_of_consecutive_words() -> None:
    words = crop(Text("a b c d e f", "en"), np.random.default_rng(1)).split()
    assert len(words) == 3
    assert "".join(words) in "abcdef"


def test_every_shipped_recipe_is_valid() -> None:
    assert {"small", "full"} <= set(shipped_recipes())
    assert all(load_recipe(name) for name in shipped_recipes())


def test_a_wrong_recipe_names_file_and_key(tmp_path) -> None:
    with pytest.raises(UsageError) as caught:
        load_recipe("small", **{"objective.temperature": -1})
    assert caught.value.key == "objective.temperature"
    assert caught.value.path is not None
    with pytest.raises(UsageError, match="unknown recipe"):
        load_recipe("smal")


def test_changes_of_a_recipe_are_named_on_the_command_line() -> None:
    given = ["objective.mlm=0.5", "pairs.languages=['en', 'de']", "evaluation.select = best", "trained.dropout=false"]
    made = load_recipe("small", **named_changes(given, {}))
    assert made.objective.mlm == 0.5
    assert made.pairs.languages == ("en", "de")
    assert made.evaluation.select == "best"
    assert made.trained.dropout is False
    for text in ("objective.mlm", "=3", "objective.=3"):
        with pytest.raises(UsageError, match="not a change"):
            named_changes([text], {})
    with pytest.raises(UsageError, match="not a table"):
        load_recipe("small", **named_changes(["name.first=3"], {}))
    with pytest.raises(UsageError, match=r"objective.mim"):
        load_recipe("small", **named_changes(["objective.mim=3"], {}))


def test_an_option_wins_over_a_change_and_one_not_given_leaves_it() -> None:
    given = ["seed=7", "optimisation.stop_after=6"]
    assert named_changes(given, {"seed": None, "optimisation.stop_after": 9}) == {
        "seed": 7,
        "optimisation.stop_after": 9,
    }


def test_what_a_held_out_page_says_is_not_trained_on() -> None:
    guard = Guard.over(
        [LinkedPage("h", "aa", "Print", (LinkedParagraph("Click OK.", "1"), LinkedParagraph("Only here.", "2")))]
    )
    page_ = LinkedPage(
        "t",
        "aa",
        "Save",
        (LinkedParagraph("click  ok.", "1"), LinkedParagraph("PRINT", "2"), LinkedParagraph("To save.", "3")),
    )
    assert guard.clean(page_) == LinkedPage("t", "aa", "Save", (LinkedParagraph("To save.", "3"),))
    assert guard.clean(LinkedPage("t", "aa", " print", ())).title == ""
    assert guard.clean(LinkedPage("t", "aa", "Only here.", ())).title == "Only here."


def test_the_help_pages_keep_held_out_texts_out_of_training(monkeypatch) -> None:
    """Pages are parted by path, and a sentence that stands on both sides is left to the held-out one."""
    from lapca_bench.collections.help_pages.collection import held_out

    paths = [f"a/{number}" for number in range(40)]
    texts = {(path, "p1"): "Said on every page." for path in paths} | {(path, "p2"): f"Of {path}." for path in paths}

    class Edition:
        def units(self):
            return texts

        def titles(self):
            return dict.fromkeys(paths, "Same")

    monkeypatch.setattr("lapca_bench.collections.help_pages.store.edition", lambda language: Edition())
    training = [one for group in HelpPagesCorpus(["en"]).groups() for one in group]
    held = [one for group in HelpPagesCorpus(["en"], split="held-out").groups() for one in group]
    assert {one.link for one in training} == {path for path in paths if not held_out(path)}
    assert {one.link for one in held} == {path for path in paths if held_out(path)} != set()
    assert all([one.text for one in page.paragraphs] == [f"Of {page.link}."] and not page.title for page in training)
    assert all(len(page.paragraphs) == 2 and page.title for page in held)
