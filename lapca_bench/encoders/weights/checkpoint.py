"""Where a checkpoint lies: a folder, a fetched resource, or the hub's cache on this machine. Never downloads."""

from __future__ import annotations

from pathlib import Path

from lapca_bench.digest import digest_file, digest_value
from lapca_bench.encoders.weights.pointers import refuse_adapters, shards
from lapca_bench.errors import InputError, MissingResourceError, StoreError, UsageError
from lapca_bench.parsing import json_value
from lapca_bench.sealed import damage, sealed_digests

RESOURCE = "resource:"
HUB = "hub:"
_DAMAGED = "delete this folder and make it again; in the cache, `lapca-bench cache verify --repair` removes it"
# Parameters that no pooled vector depends on; a checkpoint may lack them, and then they are random.
UNUSED_PARAMETERS = ("pooler.", "embeddings.position_ids", "lm_head.", "cls.")


def find(checkpoint: str, revision: str | None = None) -> Path:
    """The folder (or file) that a card's `checkpoint` names.

    "resource:NAME" or "resource:NAME/inner/path" is a fetched resource; an existing path is itself; "hub:owner/name",
    and anything else of the form "owner/name", is looked up in the Hugging Face cache. Raises `MissingResourceError`
    with the command that brings it.
    """
    if checkpoint.startswith(RESOURCE):
        return _resource(checkpoint.removeprefix(RESOURCE))
    if checkpoint.startswith(HUB):
        return _in_hub_cache(checkpoint.removeprefix(HUB), revision)
    path = Path(checkpoint).expanduser()
    if path.exists():
        return path
    if checkpoint.startswith(("/", ".", "~")) or checkpoint.count("/") > 1:
        raise MissingResourceError("no checkpoint here", path=path, remedy="check the path, or name a hub repository")
    return _in_hub_cache(checkpoint, revision)


def _resource(spec: str) -> Path:
    from lapca_bench import resources

    name, _, inner = spec.partition("/")
    folder: Path = resources.locate(name)
    path = folder / inner if inner else folder
    if not path.exists():
        remedy = f"fetch it again with `lapca-bench fetch {name}`"
        raise MissingResourceError(f"resource {name!r} holds no {inner}", path=folder, remedy=remedy)
    return path


def _in_hub_cache(name: str, revision: str | None) -> Path:
    from lapca_bench.resources.hub import Repository

    try:
        repository = Repository.parse(f"{name}@{revision or ''}")
    except UsageError as error:
        raise UsageError(f"{name!r} is neither a folder nor a hub repository name", remedy="check it") from error
    if (found := repository.snapshot) is not None:
        return found
    commit = repository.commit
    in_part = commit is not None and repository.unfinished(commit).exists()
    raise MissingResourceError(
        f"checkpoint {name!r} is {'here in part' if in_part else 'not on this machine'}",
        remedy=f"`lapca-bench fetch {repository}` where there is a network, or point `checkpoint` at a local folder",
    )


def configuration(folder: Path) -> dict[str, object]:
    """The content of config.json; raises `InputError` when it is absent or malformed."""
    path = folder / "config.json"
    try:
        content = json_value(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        remedy = "point `checkpoint` at a whole transformers folder"
        raise InputError(f"no readable config.json: {error}", path=path, remedy=remedy) from error
    if not isinstance(content, dict) or not isinstance(content.get("model_type"), str):
        raise InputError("config.json names no model_type", path=path, remedy="is this a transformers checkpoint?")
    return content


def weights_digest(folder: Path) -> str:
    """Digest of the configuration and of all safetensors files of a folder, those that an index names included.

    Raises `InputError` when it has none, or its weights lie elsewhere.

    A folder that this project wrote carries the digests of its files: raises `StoreError` where one no longer matches.
    """
    refuse_adapters(folder)
    files = list(dict.fromkeys([*sorted(folder.glob("*.safetensors")), *shards(folder)]))
    if not files:
        raise InputError(
            "no safetensors weights here (pickled weights are not loaded)",
            path=folder,
            remedy="convert them with `save_pretrained(..., safe_serialization=True)`, or name a revision with them",
        )
    digests = {path.relative_to(folder).as_posix(): digest_file(path) for path in files}
    expected = sealed_digests(folder, _DAMAGED)
    others = [name for name in ("config.json", "tokenizer.json") if name in expected]
    wrong = [name for name, digest in digests.items() if expected.get(name, digest) != digest]
    if wrong := [*wrong, *damage(folder, expected, others)]:
        raise StoreError(f"does not match its digests: {', '.join(wrong)}", path=folder, remedy=_DAMAGED)
    return digest_value(digests | {"config": digest_value(configuration(folder))})
