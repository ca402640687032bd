"""Training in processes of its own: two under accelerate equal one; one killed and resumed ends as one left alone."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from safetensors.torch import load_file  # noqa: E402
from toys.training import recipe, write_start, write_toy_pairs  # noqa: E402

PRETRAIN = [sys.executable, "-m", "lapca_bench.cli.main", "pretrain"]
ALONE = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture(scope="module")
def toys(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    write_start(folder / "start")
    write_toy_pairs(folder / "pairs.parquet")
    return folder


def write_recipe(toys: Path, name: str, **tables) -> list[str]:
    """The toy recipe as a file; returns the arguments that name it and the pairs."""
    made = recipe(toys / "start", **tables).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    lines = ['name = "toy"']
    for table, values in made.items():
        if isinstance(values, dict):
            lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    path = toys / f"{name}.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return ["--recipe", str(path), "--pairs", str(toys / "pairs.parquet")]


def last_weights(folder: Path):
    return load_file(max(folder.glob("step-*")) / "model.safetensors")


def test_two_processes_end_with_the_weights_of_one(toys, tmp_path) -> None:
    """gloo on the processor, joint batches with hard negatives: after three steps equal to rounding (rtol 1e-4)."""
    tables = {"objective": {"mlm": 0.1, "same_page": 1}, "optimisation": {"steps": 3, "learning_rate": 1e-3}}
    arguments = write_recipe(toys, "shared", **tables, trained={"dropout": False})
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    one = [*PRETRAIN, *arguments, "--out", str(tmp_path / "one")]
    two = [*launch, *PRETRAIN[1:], *arguments, "--out", str(tmp_path / "two")]
    for command in (one, two):
        done = subprocess.run(command, env=ALONE, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    alone, together = last_weights(tmp_path / "one"), last_weights(tmp_path / "two")
    before = load_file(toys / "start/model.safetensors")
    assert max((alone[name] - before[name]).abs().max() for name in before) > 1e-3
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-4, atol=1e-5)


def test_killed_in_the_middle_and_run_again_ends_with_the_same_bits(toys, tmp_path) -> None:
    """SIGKILL after the second checkpoint of six, with dropout and masking on; then the same command."""
    arguments = write_recipe(toys, "killed", optimisation={"steps": 6}, evaluation={"every": 1000, "save_every": 1})
    whole = subprocess.run([*PRETRAIN, *arguments, "--out", str(tmp_path / "whole")], env=ALONE, check=False)
    assert whole.returncode == 0
    command = [*PRETRAIN, *arguments, "--out", str(tmp_path / "parts")]
    running = subprocess.Popen(command, env=ALONE, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    seen = tmp_path / "parts/step-0000002"
    while not seen.is_dir() and running.poll() is None:
        time.sleep(0.002)
    running.kill()
    assert running.wait() == -signal.SIGKILL
    assert not (tmp_path / "parts/step-0000006").is_dir()
    assert subprocess.run(command, env=ALONE, check=False).returncode == 0
    one, other = last_weights(tmp_path / "whole"), last_weights(tmp_path / "parts")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
