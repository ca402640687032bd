"""A user's encoder: from a file outside the project, "path/to/file.py:Class", or from an installed package, by name."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

from lapca_bench.digest import digest_bytes
from lapca_bench.encoders.adapt import adapt, stated_similarity
from lapca_bench.encoders.protocol import Encoder, Similarity
from lapca_bench.encoders.settings import DenseSettings
from lapca_bench.encoders.traced import Trace, installed, remember
from lapca_bench.errors import STOPS, LapcaError, MissingResourceError, UsageError
from lapca_bench.inputs.text import decoded

_HELPERS: set[str] = set()  # names of modules that users' files have imported
ENTRY_POINTS = "lapca_bench.encoders"  # a class made without arguments, a function or an object, as in a file
FILE = re.compile(r".+\.py:\w+(\(.*\))?", re.DOTALL)


class PythonSettings(DenseSettings):
    """A user's own class: `path` is "file.py:Class", or "file.py:make(size=3)" for what a function makes."""

    paths: ClassVar[tuple[str, ...]] = ("path",)

    type: Literal["python"]
    path: str

    def check(self) -> None:
        """Raise `MissingResourceError` unless the file is on this machine."""
        place, found, _ = self.path.partition(".py:")
        path = Path(f"{place}.py").expanduser()
        if found and not path.is_file():  # else the name of an encoder that a package brings
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
    _forget_changed(path.parent)
    try:
        code = compile(source, str(path), "exec")
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
        with _importing_from(path.parent):
            exec(code, vars(module))  # noqa: S102 - what was just read; a cached .pyc may be of an earlier second
    except (LapcaError, *STOPS):
        raise
    except BaseException as error:
        del sys.modules[name]
        message = f"fails on import: {type(error).__name__}: {error}"
        raise UsageError(message, path=path, line=_line_in(path, error), remedy="mend the file") from error
    return module


def _forget_changed(folder: Path) -> None:
    """Modules of this folder are read again, for their files may have changed since they were imported."""
    importlib.invalidate_caches()
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None)
        if name in _HELPERS and place:
            file = Path(place).resolve()
            if file.is_relative_to(folder) and not installed(file):
                del sys.modules[name]


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Files beside the encoder's can be imported, after all that is installed; no .pyc is left of them."""
    before, writes = set(sys.modules), sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        _HELPERS.update(set(sys.modules) - before)


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


@dataclass(frozen=True)
class UserObject:
    """What a user's file or package brings, and the name it is shown under."""

    thing: object
    name: str


def load_user_object(specification: str) -> UserObject:
    """The object that "path/to/file.py:Name", or the name of an entry point, stands for.

    A class is made without arguments and a function that takes none is called; "file.py:make(size=3)" hands them
    literal values. Runs the user's code; raises `UsageError` with file and line when the file is absent, not UTF-8, not
    Python, lacks the name, or fails.
    """
    trace = Trace()
    with trace.recording():
        found = _loaded(specification)
    remember(found.thing, trace)
    return found


def _loaded(specification: str) -> UserObject:
    point = plugged_in().get(specification)
    if point is not None:
        path, thing, shown, arguments = Path(point.value), _of_package(point), point.name, None
    else:
        if not FILE.fullmatch(specification):
            message = f"{specification!r} is not of the form path/to/file.py:Class"
            raise UsageError(message, remedy="a class, an object or a function, as in mine.py:Mine or mine.py:make(3)")
        place, _, shown = specification.partition(".py:")
        path = Path(f"{place}.py").expanduser().resolve()
        wanted, arguments = _call_in(shown, path)
        thing = _member(_module(path), wanted, path)
    if arguments is not None or inspect.isclass(thing) or _is_factory(thing):
        thing = _made(thing, shown, arguments or _Arguments(), path)
    return UserObject(thing, shown)


def load_user_encoder(
    specification: str, *, name: str | None = None, similarity: Similarity | None = None, **prompts: str
) -> Encoder:
    """The encoder that a specification of `load_user_object` stands for.

    `prompts` are those of `adapt` (query_prompt, document_prompt, title_separator). What the object states as its
    `similarity` wins over the one given here. Raises what `load_user_object` raises, and `EncoderError` later for bad
    vectors.
    """
    found = load_user_object(specification)
    stated = stated_similarity(found.thing) or _wrong_similarity(found.thing) or similarity
    return adapt(found.thing, name or found.name, stated, **prompts)


def _wrong_similarity(thing: object) -> Any:
    """A `similarity` that is none of the known, for `adapt` to refuse; a method of that name says nothing here."""
    stated = getattr(thing, "similarity", None)
    return None if callable(stated) else stated


@dataclass(frozen=True)
class _Arguments:
    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


def _call_in(text: str, path: Path) -> tuple[str, _Arguments | None]:
    """The name, and the literal arguments where it is written with any: "make", or "make(size=3)"."""
    name, opened, _ = text.partition("(")
    if not opened:
        return name, None
    remedy = 'arguments are numbers, texts, True, None and lists of them, as in make(3, name="x")'
    try:
        call = ast.parse(text, mode="eval").body
        positional = [ast.literal_eval(one) for one in getattr(call, "args", ())]
        named = {one.arg: ast.literal_eval(one.value) for one in getattr(call, "keywords", ())}
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{text!r} cannot be called: {error}", path=path, remedy=remedy) from error
    if None in named:  # **mapping
        raise UsageError(f"{text!r} cannot be called: its arguments have no names", path=path, remedy=remedy)
    return name, _Arguments(tuple(positional), named)


def _is_factory(thing: object) -> bool:
    """Whether a function takes no arguments: it makes an encoder. One that is an encoder takes texts."""
    if not inspect.isfunction(thing):
        return False
    parameters = inspect.signature(thing).parameters.values()
    return all(one.kind is inspect.Parameter.VAR_KEYWORD or one.default is not one.empty for one in parameters)


def _made(thing: Any, shown: str, arguments: _Arguments, path: Path) -> object:
    if not callable(thing):
        raise UsageError(
            f"{shown}: {type(thing).__name__} cannot be called", path=path, remedy="leave the brackets out"
        )
    try:
        made: object = thing(*arguments.positional, **arguments.named)
    except (LapcaError, *STOPS):
        raise
    except BaseException as error:
        call = shown if "(" in shown else f"{shown}()"
        message = f"{call} fails: {type(error).__name__}: {error}"
        remedy = f"give its parameters defaults, or write them: {path.name}:{shown.partition('(')[0]}(size=3)"
        raise UsageError(message, path=path, line=_line_in(path, error), remedy=remedy) from error
    return made
