"""`systems new` and `systems info`: a card from a folder, and what a card in a file says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from toys.checkpoints import write_checkpoint
from toys.cli import in_process, write_encoder


def test_a_new_card_is_written_described_and_not_written_over(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    write_checkpoint(tmp_path / "model")
    written = in_process("systems", "new", "./model", "-o", "cards/mine.toml", capture=capsys)
    assert written.code == 0, written.err
    assert "# model states no pooling and no prompts: mean pooling" in Path("cards/mine.toml").read_text()
    told = json.loads(in_process("systems", "info", "cards/mine.toml", "--json", capture=capsys).out)
    assert (told["name"], told["kind"], told["runnable"]) == ("model", "dense", True)
    by_folder = json.loads(in_process("systems", "info", "model", "--json", capture=capsys).out)
    assert by_folder["encoder"]["pooling"] == told["encoder"]["pooling"] == "mean"
    again = in_process("systems", "new", "./model", "-o", "cards/mine.toml", capture=capsys)
    assert (again.code, "this file is there" in again.err) == (2, True)
    assert in_process("systems", "new", "./model", "-o", "cards/mine.toml", "--force", capture=capsys).code == 0


def test_a_new_card_of_an_encoder_in_a_file_is_printed(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    write_encoder(tmp_path)
    ended = in_process("systems", "new", "mine.py:Grams", capture=capsys)
    assert 'path = "./mine.py:Grams"' in ended.out
    assert in_process("systems", "new", "absent.py:Grams", capture=capsys).code == 2
    assert in_process("systems", "new", "nothing", capture=capsys).code == 2
