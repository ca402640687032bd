"""What an experiment may name its systems by: cards, folders, files, factories, objects, and names given to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys.checkpoints import write_checkpoint
from toys.cli import write_collection, write_encoder

import lapca_bench as lb
from lapca_bench.errors import UsageError
from lapca_bench.experiment.systems import SystemFactory
from lapca_bench.search.kinds import read_card
from lapca_bench.search.registry import find_card
from lapca_bench.search.workspace import Workspace

MAKERS = """
import numpy as np

class Wide:
    def __init__(self, size=2, *, scale=1.0):
        self.size, self.scale = size, scale
    def encode(self, texts):
        return np.full((len(texts), self.size), self.scale) + [[len(t)] for t in texts]

def make(size=3):
    return Wide(size)

def needs(size):
    return Wide(size)

def encode(texts):
    return Wide().encode(texts)

def ends(code=0):
    raise SystemExit(code)

ready = Wide(4)
"""


class Letters:
    def __init__(self, letters: str = "aeiou") -> None:
        self.letters = letters

    def encode(self, texts: list[str]) -> Any:
        return np.array([[1.0 + text.count(letter) for letter in self.letters] for text in texts])


@pytest.fixture
def makers(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(MAKERS)
    return str(tmp_path / "mine.py")


def made(specification: str) -> Any:
    return SystemFactory.of([specification])(specification)


@pytest.mark.parametrize(
    ("member", "dimension"),
    [
        ("Wide", 2),
        ("Wide(5)", 5),
        ("Wide(size=5, scale=-2.0)", 5),
        ("make", 3),
        ("make()", 3),
        ("make(size=7)", 7),
        ("needs(2 )", 2),
        ("encode", 2),
        ("ready", 4),
    ],
)
def test_a_file_brings_a_class_a_factory_a_function_or_an_object(makers: str, member: str, dimension: int) -> None:
    system = made(f"{makers}:{member}")
    assert (system.name, system.encoder.dimension) == (member, dimension)


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("make(size=open('x'))", "cannot be called"),
        ("make(**{})", "cannot be called"),
        ("make(", "names no encoder"),
        ("make(size=)", "cannot be called"),
        ("Wide(1, 2, 3)", "fails: TypeError"),
        ("ends", "fails: SystemExit"),
        ("ready()", "cannot be called"),
        ("absent", "defines no absent"),
        ("needs", "returned Wide of object"),
    ],
)
def test_what_cannot_be_made_is_told(makers: str, member: str, told: str) -> None:
    with pytest.raises(lb.LapcaError, match=told.replace("(", r"\(")):
        assert made(f"{makers}:{member}").encoder.dimension


def test_a_mapping_gives_names_to_objects_cards_files_and_folders(tmp_path: Path, makers: str) -> None:
    folder = write_checkpoint(tmp_path / "model")
    things = {
        "mine": Letters(),
        "words": "bm25",
        "five": f"{makers}:make(size=5)",
        "weights": folder,
        "again": f"{makers}:make(size=5)",
    }
    factory = SystemFactory.of(things)
    assert factory.names == tuple(things)
    assert [factory(name).name for name in things] == list(things)
    assert factory("five").identity.digest == factory("again").identity.digest
    assert factory.card("mine") is None
    assert factory.card("words") == find_card("bm25")


def test_two_objects_of_one_class_are_two_systems(tmp_path: Path) -> None:
    factory = SystemFactory.of([Letters(), Letters("xyz"), Letters("q")])
    assert factory.names == ("Letters", "Letters-2", "Letters-3")
    assert [factory(name).encoder.dimension for name in factory.names] == [5, 3, 1]


def test_a_system_that_is_an_object_gets_the_name_of_the_mapping(tmp_path: Path) -> None:
    system = SystemFactory.of([Letters()])("Letters")
    factory = SystemFactory.of({"other": system})
    assert (factory("other").name, system.name) == ("other", "Letters")


def test_files_and_folders_of_one_name_are_told_apart_by_their_places(tmp_path: Path) -> None:
    for place in ("a", "b"):
        write_encoder(tmp_path / place)
        write_checkpoint(tmp_path / place / "model", seed=ord(place))
    names = [f"{tmp_path}/{place}/{what}" for what in ("mine.py:Grams", "model") for place in ("a", "b")]
    factory = SystemFactory.of(names)
    assert [factory(name).name for name in names] == ["Grams", names[1], "model", names[3]]


def test_an_evaluation_of_a_mapping_has_its_rows_and_cards_beside_the_results(tmp_path: Path, makers: str) -> None:
    collection = write_collection(tmp_path / "data")
    folder = write_checkpoint(tmp_path / "model")
    results = tmp_path / "results"
    evaluation = lb.evaluate(
        {"letters": Letters(), "weights": str(folder), "made": f"{makers}:make(size=7)"},
        [str(collection)],
        results=results,
        workspace=Workspace(cache=tmp_path / "cache"),
    )
    found = {outcome.result.system: outcome.result for outcome in evaluation.outcomes if outcome.result}
    assert list(found) == ["letters", "weights", "made"]
    assert not (found["letters"].folder / "card.toml").exists()
    card: Any = read_card(found["weights"].folder / "card.toml")
    assert card.encoder.encoder("x").identity.digest == find_card(str(folder)).encoder.encoder("x").identity.digest  # type: ignore[attr-defined]
    assert str(tmp_path) not in (found["weights"].folder / "card.toml").read_text()
    by_card = SystemFactory.of([str(found["made"].folder / "card.toml")])
    assert by_card(by_card.names[0]).identity.digest == found["made"].system_digest


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("bm52", "unknown system"),
        ("./nowhere", "no such folder"),
        ("/nowhere/at/all", "no such folder"),
        ("mine.py", "names no encoder"),
        ("some:thing", "names no encoder"),
        ("nobody/nothing", "not on this machine"),
        ("hub:nobody/nothing@v1", "not on this machine"),
    ],
)
def test_a_name_that_stands_for_nothing_is_told_before_anything_runs(name: str, told: str) -> None:
    with pytest.raises(lb.LapcaError, match=told):
        SystemFactory.of([name])


def test_paths_in_a_card_are_seen_from_the_card(tmp_path: Path, monkeypatch: Any) -> None:
    write_checkpoint(tmp_path / "cards" / "weights" / "model")
    write_encoder(tmp_path / "cards")
    head = 'title = "t"\nkind = "dense"\nlicence = "l"\ncitation = "c"\nurl = ""\nlanguages = ["*"]\n'
    for checkpoint in ("weights/model", "./weights/model", "../cards/weights/model"):
        (tmp_path / "cards" / "a.toml").write_text(
            f'name = "a"\n{head}[encoder]\ntype = "transformer"\npooling = "mean"\ncheckpoint = "{checkpoint}"\n'
            "query_max_length = 8\ndocument_max_length = 8\n"
        )
        monkeypatch.chdir(tmp_path)
        assert made("cards/a.toml").encoder.encode_queries(["cat"]).shape == (1, 16)
    for path in ("mine.py:Grams", "./mine.py:Grams"):
        (tmp_path / "cards" / "b.toml").write_text(f'name = "b"\n{head}[encoder]\ntype = "python"\npath = "{path}"\n')
        assert made("cards/b.toml").encoder.dimension == 64
    (tmp_path / "cards" / "c.toml").write_text(
        f'name = "c"\n{head}[encoder]\ntype = "transformer"\npooling = "mean"\ncheckpoint = "./absent"\n'
    )
    with pytest.raises(lb.LapcaError, match="no checkpoint here"):
        made("cards/c.toml")


def test_all_that_a_card_lacks_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('name = "a"\nkind = "dense"\n[encoder]\ntype = "transformer"\n')
    with pytest.raises(UsageError) as caught:
        find_card(str(tmp_path / "a.toml"))
    for key in ("title", "licence", "citation", "url", "languages", "encoder.checkpoint", "encoder.pooling"):
        assert key in str(caught.value)
