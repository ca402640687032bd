"""Memory that a thread uses again for every block."""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np


class Buffers(threading.local):
    """Arrays by name, of each thread its own: fresh pages would cost more than what is computed into them."""

    def array(self, name: str, shape: tuple[int, int], dtype: Any = np.float32) -> Any:
        """Not initialised, over the memory of the last array of this name; one name always has one type."""
        flat = self.__dict__.get(name)
        size = prod(shape)
        if flat is None or flat.size < size:
            flat = self.__dict__[name] = np.empty(size, dtype)
        return flat[:size].reshape(shape)
