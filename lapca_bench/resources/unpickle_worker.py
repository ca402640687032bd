"""Run as `python -I unpickle_worker.py TARGET SOURCE...`: tensors of pickles, written as one safetensors file.

Nothing of lapca-bench is imported. Before the first byte is read, the process gives up the network (a network namespace
of its own where the system allows it) and is refused connections, programs and further Python files of others; the
pickles are read by torch's restricted reader, which makes tensors and nothing else.
"""

from __future__ import annotations

import sys

_REFUSED = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.")


def _without_network() -> None:
    """Leave the network behind, where the kernel lets an unprivileged process do so."""
    import ctypes

    new_user, new_network = 0x10000000, 0x40000000
    try:
        ctypes.CDLL(None, use_errno=True).unshare(new_user | new_network)
    except (OSError, AttributeError):  # another system than Linux: the audit hook alone stands
        return


def _refuse(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"{event} is refused while pickled weights are read")


def main(target: str, sources: list[str]) -> None:
    """Read, check that all are tensors with names, and write."""
    _without_network()
    import torch
    from safetensors.torch import save_file

    sys.addaudithook(_refuse)
    found: dict[str, torch.Tensor] = {}
    for source in sources:
        content = torch.load(source, map_location="cpu", weights_only=True)
        inner = content.get("state_dict", content) if isinstance(content, dict) else content
        if not isinstance(inner, dict):
            raise TypeError(f"{type(inner).__name__} is no table of tensors")
        for name, value in inner.items():
            if not isinstance(value, torch.Tensor):
                raise TypeError(f"{name} is {type(value).__name__} and no tensor")
            found[name] = value.detach().clone().contiguous()  # tied weights share memory, which files may not
    save_file(found, target, metadata={"format": "pt"})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
