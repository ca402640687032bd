"""From an empty cache `run --fetch` brings a model and prints its table; killed, it goes on; then all is offline."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from toys.checkpoints import write_checkpoint
from toys.cli import command, write_collection
from toys.hub import Hub, serving

pytest.importorskip("torch")
pytest.importorskip("transformers")

LARGE = 30_000_000  # bytes; what arrived is written in blocks of ten millions


@pytest.fixture
def place(tmp_path):
    write_collection(tmp_path / "data")
    write_checkpoint(tmp_path / "model", "bert")
    (tmp_path / "model" / "2_Dense").mkdir()
    (tmp_path / "model" / "2_Dense" / "model.safetensors").write_bytes(os.urandom(LARGE))
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ntitle = "T"\nkind = "dense"\nlicence = "MIT"\ncitation = "c"\nurl = "u"\nlanguages = ["*"]\n'
        '[encoder]\ntype = "transformer"\ncheckpoint = "toy/model"\npooling = "mean"\n'
        "query_max_length = 16\ndocument_max_length = 16\n"
    )
    return tmp_path


def start(place: Path, hub: Hub, *words: str, **changes: str) -> subprocess.Popen:
    own = {"HF_ENDPOINT": hub.address, "HF_HOME": str(place / "hf"), "HF_HUB_DISABLE_XET": "1"}
    environment = {**os.environ, "LAPCA_BENCH_CACHE": str(place / "cache"), **own, **changes}
    pipe = subprocess.PIPE
    return subprocess.Popen(command(*words), cwd=place, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_killed_in_the_middle_gone_on_with_and_then_offline(place):
    with serving() as hub:
        commit = hub.add("toy/model", place / "model")
        hub.faults.append(("GET /lfs/toy/model/" + commit + "/2_Dense", "stall"))
        first = start(place, hub, "run", "-s", "mine.toml", "-c", "data/card.toml", "--fetch", "-q")
        assert hub.stalled.wait(120)
        parts = list((place / "hf").rglob("*.part"))
        for _ in range(600):
            if any(part.stat().st_size for part in parts):
                break
            parts = list((place / "hf").rglob("*.part"))
            time.sleep(0.1)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        without = start(place, hub, "run", "-s", "mine.toml", "-c", "data/card.toml", "-q")
        out, err = without.communicate(timeout=300)
        assert without.returncode == 1
        assert "lapca-bench fetch hub:toy/model" in out + err
        again = start(place, hub, "run", "-s", "mine.toml", "-c", "data/card.toml", "--fetch", "-q")
        out, err = again.communicate(timeout=300)
        assert again.returncode == 0, err
        assert "nDCG@10 on files/toy" in out
        assert f'revision = "{commit}"' in err
        assert hub.ranges, "the large file was begun anew"
        large = place / "hf" / "hub" / "models--toy--model" / "snapshots" / commit / "2_Dense" / "model.safetensors"
        assert large.read_bytes() == (place / "model" / "2_Dense" / "model.safetensors").read_bytes()
        asked = len(hub.asked)
        offline = start(place, hub, "search", "-s", "mine.toml", "-c", "data/card.toml", "--query", "river", "-q")
        out, err = offline.communicate(timeout=300)
        assert offline.returncode == 0, err
        assert len(hub.asked) == asked
        drafted = start(place, hub, "fetch", "hub:toy/model", "--system", "mine.toml", "--json")
        out, err = drafted.communicate(timeout=300)
        assert (drafted.returncode, len(hub.asked)) == (0, asked), err
        assert "models--toy--model" in out
