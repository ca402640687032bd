"""JSON and TOML from outside: whatever is wrong with a text is one kind of error, which readers turn into a message.

The standard library's parsers also fail in other ways: brackets nested by the thousand, whole numbers of five thousand
digits. A byte order mark, which editors on Windows write, is passed over.
"""

from __future__ import annotations

import json
import tomllib
from typing import Any

_NESTED = "brackets nested too deeply"


def json_value(text: str | bytes) -> Any:
    """The value of a JSON text; raises `ValueError` (`json.JSONDecodeError` but for bytes that are not UTF-8)."""
    try:
        return json.loads(text.removeprefix("\ufeff") if isinstance(text, str) else text)
    except RecursionError:
        raise json.JSONDecodeError(_NESTED, "", 0) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError as error:
        raise json.JSONDecodeError(str(error), "", 0) from None


def toml_table(text: str) -> dict[str, Any]:
    """The table of a TOML text; raises `tomllib.TOMLDecodeError`."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise tomllib.TOMLDecodeError(_NESTED) from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        raise tomllib.TOMLDecodeError(str(error)) from None
