"""Repositories of the hub, fetched by the real client from a server that speaks the hub's protocol, faults included."""

import json
import os
import pickle

import pytest
from toys.checkpoints import write_checkpoint
from toys.hub import serving

from lapca_bench.encoders.weights import checkpoint
from lapca_bench.errors import InputError, MissingResourceError, UsageError
from lapca_bench.resources.hub import Repository, fetch
from lapca_bench.resources.hub_files import needed
from lapca_bench.resources.patience import Patience
from lapca_bench.search import registry

torch = pytest.importorskip("torch")
huggingface_hub = pytest.importorskip("huggingface_hub")

AT_ONCE = Patience(tries=3, wait=lambda _: None)
NAME = "toy/model"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1024)
    with serving() as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.address)
        template = f"{served.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield served


@pytest.fixture
def model(tmp_path):
    """A repository as they come: one model in several forms, and what its training left."""
    folder = tmp_path / "model"
    write_checkpoint(folder, "bert")
    for name in ("onnx/model.onnx", "onnx/config.json", "tf_model.h5", "pytorch_model.bin", "training_args.bin"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"not needed")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


def bring(text=f"hub:{NAME}"):
    return fetch(Repository.parse(text), AT_ONCE)


def test_what_loading_takes_comes_and_the_place_is_found_without_a_network(hub, model):
    commit = hub.add(NAME, model)
    found = bring()
    assert found.commit == commit
    names = {path.name for path in found.folder.iterdir()}
    assert names == {"README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert (found.folder / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
    hub.asked.clear()
    assert checkpoint.find(NAME) == checkpoint.find(f"hub:{NAME}") == checkpoint.find(NAME, commit) == found.folder
    assert bring().new == 0
    assert hub.asked == []


def test_a_branch_is_resolved_once_and_another_revision_is_asked_for_by_name(hub, model):
    first = hub.add(NAME, model)
    bring()
    (model / "README.md").write_text("changed")
    second = hub.add(NAME, model)
    assert bring().commit == first
    assert bring(f"{NAME}@{second}").commit == second
    assert checkpoint.find(NAME).name == first


@pytest.mark.parametrize(
    "faults",
    [
        [("/api/models/", 429), ("/api/models/", 503)],
        [("HEAD /toy/model/resolve", 500), ("HEAD /toy/model/resolve", 429)],
        [("GET /lfs/", 503), ("GET /lfs/", 502)],
        [("GET /lfs/", "cut"), ("GET /lfs/", "cut")],
    ],
)
def test_a_busy_hub_is_asked_again_and_a_cut_file_is_gone_on_with(hub, model, faults):
    hub.add(NAME, model)
    hub.faults += faults
    found = bring()
    assert hub.faults == []
    assert (found.folder / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
    assert bool(hub.ranges) == ("cut" in dict(faults).values())


@pytest.mark.parametrize("request_", ["GET /lfs/", f"GET /{NAME}/resolve"])
def test_other_bytes_than_stated_are_refused_and_fetched_anew(hub, model, request_):
    commit = hub.add(NAME, model)
    hub.faults.append((request_, "other"))
    with pytest.raises(InputError, match="not what the hub says") as refused:
        bring()
    assert f"lapca-bench fetch hub:{NAME}" in str(refused.value)
    with pytest.raises(MissingResourceError, match="here in part"):
        checkpoint.find(NAME, commit)
    found = bring().folder
    assert all(path.read_bytes() == (model / path.name).read_bytes() for path in found.iterdir())


def test_a_gated_repository_names_the_token_and_never_shows_it(hub, model, monkeypatch):
    hub.add(NAME, model)
    hub.gated.add(NAME)
    with pytest.raises(MissingResourceError, match=r"\(401\)") as refused:
        bring()
    assert "HF_TOKEN" in str(refused.value)
    monkeypatch.setenv("HF_TOKEN", "hf_AbCdEfGhIjKlMnOpQrStUvWx")
    hub.faults.append(("/api/models/", 403))
    with pytest.raises(MissingResourceError) as refused:
        bring()
    assert "hf_AbC" not in str(refused.value)
    assert bring().folder.is_dir()
    told = dict(zip(hub.asked, hub.tokens, strict=True))
    assert told[f"GET /{NAME}/resolve/{hub.branches[NAME, 'main']}/config.json"].endswith("UvWx")
    assert not any(token for path, token in told.items() if "/lfs/" in path)  # it is for the hub alone


def test_what_the_hub_does_not_have_is_told(hub, model, tmp_path):
    hub.add(NAME, model)
    for text in ("toy/other", f"{NAME}@nowhere"):
        with pytest.raises(UsageError, match="the hub has no"):
            bring(text)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text("{}")
    hub.add("toy/bare", tmp_path / "bare")
    with pytest.raises(InputError, match="holds no weights"):
        bring("toy/bare")
    for wrong in ("hub:", "hub:one", "a b/c", "a/b/c"):
        with pytest.raises(UsageError, match="names no hub repository"):
            Repository.parse(wrong)


def test_no_server_at_all_names_the_mirror_setting(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingResourceError, match="cannot be reached") as refused:
        bring()
    assert "HF_ENDPOINT" in str(refused.value)


def pickled(folder, model, **shards):
    """The same model with pickled weights only."""
    from safetensors.torch import load_file

    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((model / name).read_bytes())
    weights = load_file(model / "model.safetensors")
    names = sorted(weights)
    for number, name in enumerate(shards or {"pytorch_model": 1}):
        part = names[number :: max(1, len(shards))]
        torch.save({key: weights[key] for key in part}, folder / f"{name}.bin")
    return weights


@pytest.mark.parametrize("shards", [(), ("pytorch_model-00001-of-00002", "pytorch_model-00002-of-00002")])
def test_pickled_weights_become_safetensors_and_their_digests_are_recorded(hub, model, tmp_path, shards):
    from safetensors.torch import load_file

    expected = pickled(tmp_path / "old", model, **dict.fromkeys(shards, 1))
    commit = hub.add("toy/old", tmp_path / "old")
    found = bring("toy/old")
    made = load_file(found.folder / "model.safetensors")
    assert made.keys() == expected.keys()
    assert all(torch.equal(made[name], expected[name]) for name in made)
    assert found.converted == ("model.safetensors",)
    record = json.loads((found.folder.parents[1] / f"converted-{commit}.json").read_text())["files"]
    assert len(record["model.safetensors"]["from"]) == max(1, len(shards))
    assert checkpoint.weights_digest(found.folder)


class Evil:
    def __reduce__(self):
        return (os.system, ("touch evil-was-here",))


@pytest.mark.parametrize("content", [Evil(), {"a": Evil()}, {"a": 3}, [torch.zeros(2)]])
def test_a_pickle_that_is_more_than_tensors_is_refused_and_never_run(hub, model, tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    pickled(tmp_path / "old", model)
    if isinstance(content, list | dict) and "Evil" not in repr(content):
        torch.save(content, tmp_path / "old" / "pytorch_model.bin")
    else:
        (tmp_path / "old" / "pytorch_model.bin").write_bytes(pickle.dumps(content))
    hub.add("toy/old", tmp_path / "old")
    with pytest.raises(InputError, match="more than tensors"):
        bring("toy/old")
    assert not (tmp_path / "evil-was-here").exists()
    with pytest.raises(MissingResourceError, match=r"not on this machine|in part"):
        checkpoint.find("toy/old")


def test_a_card_says_what_fetch_brings(hub, model, tmp_path):
    hub.add(NAME, model)
    card = tmp_path / "card.toml"
    card.write_text(
        'name = "mine"\ntitle = "T"\nkind = "dense"\nlicence = "MIT"\ncitation = "c"\nurl = "u"\nlanguages = ["*"]\n'
        f'[encoder]\ntype = "transformer"\ncheckpoint = "{NAME}"\npooling = "mean"\n'
    )
    assert registry.status(str(card)).reason == "fetch: lapca-bench fetch mine"
    (repository,) = registry.find_card(str(card)).downloads.repositories
    fetch(repository, AT_ONCE)
    assert registry.status(str(card)).ok


def test_which_files_are_needed():
    assert needed(["config.json", "pytorch_model.bin"]) == ("config.json", "pytorch_model.bin")
    both = [
        "model.safetensors",
        "pytorch_model.bin",
        "pytorch_model.bin.index.json",
        "colbert_linear.pt",
        "optimizer.pt",
    ]
    assert needed(both) == ("colbert_linear.pt", "model.safetensors")
    modules = ["modules.json", "1_Pooling/config.json", "2_Dense/pytorch_model.bin", "model.safetensors", "onnx/m.bin"]
    assert needed(modules) == tuple(sorted(modules[:4]))
    assert needed(["README.md", "config.json", "vocab.txt"]) == ()
