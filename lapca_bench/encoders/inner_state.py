"""What an object computes with, as digests: its code, the names its code refers to, and its attributes.

Code is followed into functions, classes and modules outside the Python installation; what is installed is known by its
name. Values are read to the last bit, arrays and tensors too. What cannot be looked into is named as such.
"""

from __future__ import annotations

import copyreg
import functools
import hashlib
import inspect
import logging
import sys
import threading
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lapca_bench.encoders.traced import installed

_PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, range, slice, type(Ellipsis))
_HARMLESS = (type(threading.Lock()), type(threading.RLock()), threading.local, logging.Logger, logging.Handler)
_NO_STATE = frozenset(
    [
        "__dict__",
        "__weakref__",
        "__module__",
        "__doc__",
        "__abstractmethods__",
        "_abc_impl",
        "__annotations__",
        "__firstlineno__",
        "__static_attributes__",
        "__orig_bases__",
        "__parameters__",
        "__match_args__",
        "__qualname__",
    ]
)
_DEEPEST = 200


@dataclass
class InnerState:
    """Digests by what they are of ("self.width", "mine.MAX_WORDS"), and the types that could not be looked into."""

    pieces: dict[str, str] = field(default_factory=dict)
    opaque: set[str] = field(default_factory=set)

    def steady(self, later: InnerState) -> dict[str, str]:
        """The pieces that are the same later: what moves while it encodes is a counter or a cache."""
        return {name: digest for name, digest in self.pieces.items() if later.pieces.get(name) == digest}


def inner_state(thing: object) -> InnerState:
    """The state of a function, of an object with methods, or of what they refer to."""
    reader = _Reader(InnerState())
    if isinstance(thing, type | types.FunctionType | types.MethodType | functools.partial):
        reader.piece("code", thing)
        return reader.state
    reader.piece("code", type(thing))
    attributes = _attributes(thing)
    if attributes is None:
        reader.piece("self", thing)
    for name, value in (attributes or {}).items():
        reader.piece(f"self.{name}", value)
    return reader.state


def _attributes(thing: object) -> dict[str, object] | None:
    """The attributes of an object by name; None where it has none that Python sees."""
    slots = [name for kind in type(thing).__mro__ for name in _slots(kind)]
    if not hasattr(thing, "__dict__") and not slots:
        return None
    own = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
    return dict(sorted({**own, **getattr(thing, "__dict__", {})}.items(), key=lambda pair: str(pair[0])))


def _slots(kind: type) -> tuple[str, ...]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(name for name in slots if name in vars(kind))


def _is_installed(name: str | None) -> bool:
    """Whether a module, by name, is the installation's; one without a file (a notebook's) is not."""
    module = sys.modules.get(name or "")
    if module is None or name in sys.builtin_module_names:
        return name is not None and name in (*sys.builtin_module_names, *sys.stdlib_module_names)
    place = getattr(module, "__file__", None)
    return name != "__main__" if place is None else installed(Path(place).resolve())


class _Reader:
    def __init__(self, state: InnerState) -> None:
        self.state = state

    def piece(self, name: str, value: object) -> None:
        """The digest of a value under this name; what it refers to by names becomes pieces of their own."""
        if name in self.state.pieces:
            return
        self.state.pieces[name] = ""  # being read: a circle ends here
        writer = _Writer(self)
        try:
            writer.add(value)
        except RecursionError:
            self.state.opaque.add(type(value).__qualname__)
        self.state.pieces[name] = writer.hasher.hexdigest()


class _Writer:
    """Feeds one value to a hash."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader
        self.hasher = hashlib.sha256()
        self._seen: dict[int, int] = {}
        self._alive: list[object] = []  # so that no identity is given to another object meanwhile
        self._depth = 0

    def _write(self, *parts: str | bytes) -> None:
        for part in parts:
            content = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
            self.hasher.update(len(content).to_bytes(8, "little"))
            self.hasher.update(content)

    def add(self, value: object) -> None:
        """One value, whatever it is."""
        if isinstance(value, _PLAIN) and type(value) in _PLAIN:
            self._write(type(value).__name__, value.hex() if isinstance(value, float) else repr(value))
            return
        if id(value) in self._seen:
            self._write("again", str(self._seen[id(value)]))
            return
        self._seen[id(value)] = len(self._seen)
        self._alive.append(value)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RecursionError
        self._add(value)
        self._depth -= 1

    def _add(self, value: Any) -> None:  # noqa: C901, PLR0912 - one case after the other
        kind = type(value)
        if isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self._write("method")
            self._each((value.__func__, value.__self__))
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, types.ModuleType):
            self._module(value)
        elif isinstance(value, functools.partial):
            self._each(("partial", value.func, value.args, value.keywords))
        elif isinstance(value, staticmethod | classmethod):
            self._each((kind.__name__, value.__func__))
        elif isinstance(value, property):
            self._each(("property", value.fget, value.fset))
        elif isinstance(value, functools.cached_property):
            self._each(("cached", value.func))
        elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
            self._write("array", str(value.dtype), str(value.shape), np.ascontiguousarray(value).tobytes())
        elif kind in (tuple, list):
            self._write(kind.__name__, str(len(value)))
            self._each(value)
        elif isinstance(value, Mapping) and kind in (dict, types.MappingProxyType):
            self._write("dict", str(len(value)))
            self._each(part for pair in value.items() for part in pair)
        elif kind in (set, frozenset):
            self._set(value)
        elif isinstance(value, _HARMLESS) or inspect.isbuiltin(value):
            self._write(kind.__qualname__, getattr(value, "__qualname__", ""))
        elif "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor):
            self._tensor(value)
        else:
            self._object(value)

    def _each(self, values: Iterable[object]) -> None:
        for value in values:
            self.add(value)

    def _set(self, values: Iterable[object]) -> None:
        parts = []
        for value in values:
            writer = _Writer(self.reader)
            writer.add(value)
            parts.append(writer.hasher.hexdigest())
        self._write("set", *sorted(parts))

    def _tensor(self, value: Any) -> None:
        import torch

        try:
            content = value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        except (RuntimeError, TypeError, NotImplementedError):
            self._opaque(value)
            return
        self._write("tensor", str(value.dtype), str(tuple(value.shape)), content)

    def _code(self, code: types.CodeType) -> None:
        self._write("code", code.co_code, code.co_exceptiontable, " ".join(code.co_names + code.co_varnames))
        self._each(code.co_consts)

    def _function(self, function: types.FunctionType) -> None:
        self._write("function", f"{function.__module__}.{function.__qualname__}")
        if _is_installed(function.__module__):
            return
        self.add(function.__code__)
        self._each((function.__defaults__, function.__kwdefaults__, getattr(function, "__wrapped__", None)))
        for cell in function.__closure__ or ():
            try:
                self.add(cell.cell_contents)
            except ValueError:  # not filled yet
                self._write("empty")
        self._names(function.__code__, function.__globals__)

    def _names(self, code: types.CodeType, known: Mapping[str, object]) -> None:
        """What the code refers to in its module, each as a piece of its own."""
        for name in code.co_names:
            if name in known:
                self.reader.piece(f"{known.get('__name__')}.{name}", known[name])
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                self._names(constant, known)

    def _class(self, kind: type) -> None:
        self._write("class", f"{kind.__module__}.{kind.__qualname__}")
        if _is_installed(kind.__module__):
            return
        for name, value in sorted(vars(kind).items()):
            if name not in _NO_STATE and not isinstance(value, types.GetSetDescriptorType | types.MemberDescriptorType):
                self._write(name)
                self.add(value)
        self._each(kind.__bases__)

    def _module(self, module: types.ModuleType) -> None:
        self._write("module", module.__name__)
        if _is_installed(module.__name__):
            return
        for name, value in sorted(vars(module).items()):
            if not name.startswith("__"):
                self.reader.piece(f"{module.__name__}.{name}", value)

    def _object(self, value: Any) -> None:
        self.add(type(value))
        attributes = _attributes(value)
        if attributes:
            self._each(part for pair in attributes.items() for part in pair)
            if not isinstance(value, Mapping | list | tuple | set | frozenset):
                return
        reduce = copyreg.dispatch_table.get(type(value))
        try:
            reduced = reduce(value) if reduce is not None else value.__reduce_ex__(2)
        except Exception:  # noqa: BLE001 - whatever it says, it lets nobody look inside
            self._opaque(value)
            return
        if isinstance(reduced, str):
            self._write(reduced)
            return
        constructor, arguments, *rest = reduced
        state, items, pairs = (*rest, None, None, None)[:3]
        self._each((constructor, arguments, state))
        for parts in (items, pairs):
            if parts is not None:
                self._each(list(parts))

    def _opaque(self, value: object) -> None:
        kind = type(value)
        self.reader.state.opaque.add(f"{kind.__module__}.{kind.__qualname__}")
        self._write("opaque", kind.__qualname__)
