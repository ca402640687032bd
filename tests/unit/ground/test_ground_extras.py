"""The command that a remedy names installs from where lapca-bench itself came from."""

import json
import shlex
from importlib import metadata

import pytest

from lapca_bench import extras
from lapca_bench.extras import installing


@pytest.fixture(autouse=True)
def no_clone(monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "_ROOT", tmp_path / "site-packages")


@pytest.fixture
def installed(monkeypatch):
    """Sets what pip recorded of the installation: its direct_url.json, or None where it came from an index."""

    def set_record(record):
        class Installed:
            def read_text(self, name):
                assert name == "direct_url.json"
                return None if record is None else json.dumps(record)

        monkeypatch.setattr(metadata, "distribution", lambda _: Installed())

    return set_record


def test_from_an_index_by_name(installed):
    installed(None)
    assert installing("dense") == "pip install 'lapca-bench[dense]'"
    assert installing("dense", "onnx") == "pip install 'lapca-bench[dense,onnx]'"


def test_from_an_editable_clone(installed, tmp_path, monkeypatch):
    installed(None)  # a stale record beside the clone does not matter
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(extras, "_ROOT", tmp_path)
    assert installing("dense") == f"pip install -e '{tmp_path}[dense]'"
    monkeypatch.chdir(tmp_path)
    assert installing("dense") == "pip install -e '.[dense]'"


def test_from_a_clone_that_is_not_editable(installed, tmp_path, monkeypatch):
    installed({"url": tmp_path.as_uri(), "dir_info": {}})
    monkeypatch.chdir(tmp_path)
    assert installing("dense") == "pip install '.[dense]'"


def test_from_a_wheel_and_a_path_with_a_space(installed, tmp_path):
    wheel = tmp_path / "my wheels" / "lapca_bench-1-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    installed({"url": wheel.as_uri(), "archive_info": {}})
    assert shlex.split(installing("ray")) == ["pip", "install", f"{wheel}[ray]"]


@pytest.mark.parametrize(
    "record", [{"url": "file:///gone/since", "dir_info": {}}, {"url": "https://example.org/x.whl"}]
)
def test_a_place_that_is_not_here_is_not_named(installed, record):
    installed(record)
    assert installing("dense") == "pip install 'lapca-bench[dense]'"


def test_without_an_installation_by_name(monkeypatch):
    def absent(_):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "distribution", absent)
    assert installing("dense") == "pip install 'lapca-bench[dense]'"
