"""A user's encoder: from a file outside the project, "path/to/file.py:Class", or from an installed package, by name."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Literal

from lapca_bench.digest import digest_bytes
from lapca_bench.encoders.adapt import adapt
from lapca_bench.encoders.protocol import Encoder, Similarity
from lapca_bench.encoders.settings import DenseSettings
from lapca_bench.errors import STOPS, LapcaError, MissingResourceError, UsageError
from lapca_bench.inputs.text import decoded

ENTRY_POINTS = "lapca_bench.encoders"  # a class made without arguments, a function or an object, as in a file


class PythonSettings(DenseSettings):
    """A user's own class: `path` is "file.py:Class"."""

    type: Literal["python"]
    path: str

    def check(self) -> None:
        """Raise `MissingResourceError` unless the file is on this machine."""
        path = Path(self.path.rpartition(":")[0])
        if path.suffix == ".py" and not path.is_file():  # else the name of an encoder that a package brings
            raise MissingResourceError(f"no file {path} here", path=path, remedy="write it, or run where it lies")

    def encoder(self, name: str | None = None) -> Encoder:
        """The encoder of these settings."""
        stated = self.model_fields_set & {"query_prompt", "document_prompt", "similarity"}
        prompts = self.model_dump(include={*stated, "title_separator"})
        return load_user_encoder(self.path, name=name, **prompts)


def plugged_in() -> dict[str, EntryPoint]:
    """The encoders that installed packages bring, by name."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _source(path: Path) -> str:
    if not path.is_file():
        near = get_close_matches(path.name, [one.name for one in path.parent.glob("*.py")], n=3)
        remedy = f"did you mean {', '.join(near)}?" if near else "check the path; it is relative to the current folder"
        raise UsageError("no such file", path=path, remedy=remedy)
    try:
        return decoded(path.read_bytes(), path, UsageError)
    except OSError as error:
        raise UsageError(f"cannot read: {error.strerror}", path=path, remedy="check its permissions") from error


def _line_in(path: Path, error: BaseException) -> int | None:
    """The last line of the user's own file that the error passed through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
    return lines[-1] if lines else None


def _module(path: Path) -> ModuleType:
    source = _source(path)
    try:
        compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        message = f"not Python: {getattr(error, 'msg', None) or error}"
        raise UsageError(message, path=path, line=line, remedy="mend that line") from error
    # Named by content, so that two files of one name do not meet and source digests read the right file.
    name = f"lapca_user_{path.stem}_{digest_bytes(str(path).encode('utf-8', 'surrogateescape'))[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError("not a Python file", path=path, remedy="its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (LapcaError, *STOPS):
        raise
    except BaseException as error:
        del sys.modules[name]
        message = f"fails on import: {type(error).__name__}: {error}"
        raise UsageError(message, path=path, line=_line_in(path, error), remedy="mend the file") from error
    return module


def _member(module: ModuleType, wanted: str, path: Path) -> object:
    own = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", module.__name__) == module.__name__
    }
    callables = [name for name, value in own.items() if callable(value) or hasattr(value, "encode")]
    if wanted not in vars(module):
        near = get_close_matches(wanted, callables, n=3) or sorted(callables)
        remedy = f"did you mean {', '.join(near)}?" if near else "define a class with encode(self, texts)"
        raise UsageError(f"defines no {wanted}", path=path, remedy=remedy)
    return vars(module)[wanted]


def _of_package(point: EntryPoint) -> object:
    try:
        thing: object = point.load()
    except STOPS:
        raise
    except BaseException as error:
        raise UsageError(
            f"the package that offers encoder {point.name!r} cannot be used: {type(error).__name__}: {error}",
            remedy=f"mend or uninstall it: its entry point is {point.value}",
        ) from error
    return thing


def load_user_encoder(
    specification: str, *, name: str | None = None, similarity: Similarity | None = None, **prompts: str
) -> Encoder:
    """The encoder that "path/to/file.py:Name", or the name of an entry point, stands for.

    It is a class (made without arguments), a function or an object.

    `prompts` are those of `adapt` (query_prompt, document_prompt, title_separator). A class attribute `similarity` of
    the user's class wins over the default. Runs the user's code; raises `UsageError` with file and line when the file
    is absent, not UTF-8, not Python, lacks the name, or fails, and `EncoderError` later for bad vectors.
    """
    place, colon, wanted = specification.rpartition(":")
    point = plugged_in().get(specification)
    if point is not None:
        path, thing = Path(point.value), _of_package(point)
    elif colon and place and wanted:
        path = Path(place).expanduser().resolve()
        thing = _member(_module(path), wanted, path)
    else:
        raise UsageError(f"{specification!r} is not of the form path/to/file.py:Class")
    if inspect.isclass(thing):
        try:
            thing = thing()
        except (LapcaError, *STOPS):
            raise
        except BaseException as error:
            message = f"{wanted}() fails: {type(error).__name__}: {error}"
            remedy = "the class is made without arguments; give its parameters defaults"
            raise UsageError(message, path=path, line=_line_in(path, error), remedy=remedy) from error
    stated = getattr(thing, "similarity", None)
    if callable(stated) or stated is None:  # a SentenceTransformer has a method of that name, which says nothing here
        stated = similarity
    return adapt(thing, name or wanted, stated, **prompts)
