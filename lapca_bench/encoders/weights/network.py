"""A checkpoint as a network: texts to token ids, token ids through the model.

What each kind of encoder makes of its output (pooled vectors, term weights, token vectors, scores of pairs) lies in
files beside this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lapca_bench.digest import digest_file
from lapca_bench.encoders.hardware import device_named
from lapca_bench.encoders.settings import WeightsSettings
from lapca_bench.encoders.threads import usable_threads
from lapca_bench.encoders.weights.batching import Rows, default_budget
from lapca_bench.encoders.weights.checkpoint import UNUSED_PARAMETERS, configuration, find, weights_digest
from lapca_bench.encoders.weights.delta import apply_delta
from lapca_bench.encoders.weights.e5_q4 import checkpoint_folder
from lapca_bench.encoders.weights.packed import pack_linear_layers
from lapca_bench.encoders.weights.tokenizer import Tokenizer, Tokens, load_tokenizer, padded, tokenizer_digest
from lapca_bench.errors import EncoderError, InputError, MissingResourceError, UsageError
from lapca_bench.extras import need

if TYPE_CHECKING:
    import torch

# Families that count positions from padding_idx + 1, so that two of their positions hold no token.
_OFFSET_POSITIONS = {
    "camembert",
    "data2vec-text",
    "longformer",
    "mpnet",
    "roberta",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
}
# Families with learned positions that name their number so; T5 states n_positions too, and has no such limit.
_N_POSITIONS = {"gpt2", "openai-gpt", "ctrl"}
_AUTO_MODELS = {
    "auto": "AutoModel",
    "masked-lm": "AutoModelForMaskedLM",
    "sequence-classification": "AutoModelForSequenceClassification",
}


def longest_input(config: dict[str, object]) -> int | None:
    """Tokens a model can take, from its configuration; None where it states no limit."""
    key = "n_positions" if config["model_type"] in _N_POSITIONS else "max_position_embeddings"
    positions = config.get(key)
    return positions - first_position(config) if isinstance(positions, int) and positions > 0 else None


def first_position(config: dict[str, object]) -> int:
    """The number that a model gives to the position of the first token, from its configuration."""
    if config["model_type"] not in _OFFSET_POSITIONS:
        return 0
    pad = config.get("pad_token_id")
    return (pad if isinstance(pad, int) else 1) + 1


def width_of(folder: Path, config: dict[str, object]) -> int:
    """Width of a model's token vectors, from its configuration; raises `InputError` where that does not say it.

    Families name it in their own way (n_embd, emb_dim, d_model, within text_config): transformers knows which.
    """
    stated = config.get("hidden_size")
    if not isinstance(stated, int):
        transformers = need("transformers", "dense")
        try:
            known = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
            stated = getattr(known.get_text_config(), "hidden_size", config.get("d_model", config.get("dim")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            remedy = "the checkpoint must be of an architecture that transformers itself implements"
            raise InputError(
                f"transformers cannot read it: {error}", path=folder / "config.json", remedy=remedy
            ) from error
    if not isinstance(stated, int):
        remedy = "add the width of its token vectors as hidden_size"
        raise InputError("config.json states no hidden_size", path=folder / "config.json", remedy=remedy)
    return stated


def _architecture(transformers: Any, name: str) -> Any:
    if name == "m2m100-encoder":
        return need("transformers.models.m2m_100.modeling_m2m_100", "dense").M2M100Encoder
    return getattr(transformers, _AUTO_MODELS[name])


def load_model(folder: Path, dtype: str, architecture: str = "auto", delta: Path | None = None) -> Any:
    """The transformers model of a folder, changed by a delta where one is given, in evaluation mode.

    Raises `InputError` when the weights do not cover the model: transformers would fill the gaps with random numbers;
    or when the delta does not fit.
    """
    from safetensors import SafetensorError

    torch, transformers = need("torch", "dense"), need("transformers", "dense")
    transformers.logging.set_verbosity_error()  # its report of unused poolers; what matters is checked below
    transformers.logging.disable_progress_bar()
    try:
        model, report = _architecture(transformers, architecture).from_pretrained(
            str(folder),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32 if delta is not None else getattr(torch, dtype),
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, AssertionError, SafetensorError) as error:
        remedy = "the checkpoint must be a safetensors folder of an architecture that transformers itself implements"
        raise InputError(f"transformers cannot load it: {error}", path=folder, remedy=remedy) from error
    unused: tuple[str, ...] = () if architecture in ("masked-lm", "sequence-classification") else UNUSED_PARAMETERS
    if architecture == "auto" and "decoder_input_ids" in signature(model.forward).parameters:
        model, unused = model.get_encoder(), (*UNUSED_PARAMETERS, "decoder.")  # texts are read by the encoder
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(unused))
    if missing:
        raise InputError(
            f"{len(missing)} parameters are not in the weights (first: {missing[0]}); they would be random",
            path=folder,
            remedy="fetch the checkpoint again, or name the one its config.json belongs to",
        )
    if delta is not None:
        apply_delta(model, delta)  # in float32, as it was made
        model = model.to(getattr(torch, dtype))
    return model.eval()


def folder_of(settings: WeightsSettings) -> Path:
    """The transformers folder that settings name; one of 4-bit blocks is written out first."""
    path = find(settings.checkpoint, settings.revision)
    if settings.tokenizer is None:
        return path
    return checkpoint_folder(path, find(settings.tokenizer))


class Network:
    """One checkpoint, loaded when first used. Raises `UsageError` where it cannot take `longest` tokens."""

    def __init__(
        self,
        settings: WeightsSettings,
        name: str,
        longest: int,
        architecture: str,
        *,
        folder: Path | None = None,
        delta: Path | None = None,
    ) -> None:
        """`folder` is the checkpoint's (default: the one that the settings name)."""
        folder = folder or folder_of(settings)
        self.folder = folder
        self.name = name
        self._dtype, self._architecture, self._delta = settings.dtype, architecture, delta
        self._device = settings.device
        self.config = configuration(folder)
        limit = longest_input(self.config)
        if limit is not None and longest > limit:
            raise UsageError(
                f"encoder {name!r} is asked for {longest} tokens, but {folder.name} takes {limit}",
                remedy=f"set query_max_length and document_max_length to {limit} or less",
            )

    def __getstate__(self) -> dict[str, object]:
        """Without the weights: another process loads them itself."""
        return {name: value for name, value in self.__dict__.items() if name not in {"model", "tokenizer", "_exported"}}

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The checkpoint's tokenizer; raises `MissingResourceError` on a cluster's machine without the checkpoint."""
        if not self.folder.is_dir():
            raise MissingResourceError(
                "this checkpoint is not on this machine",
                path=self.folder,
                remedy="machines of a cluster read weights at one path: give all the same LAPCA_BENCH_CACHE, fetch the "
                f"weights on each, and run `lapca-bench systems check {self.name}` there",
            )
        tokenizer = load_tokenizer(self.folder)
        pad = self.config.get("pad_token_id")
        if isinstance(pad, int) and pad >= 0:
            tokenizer.pad = pad  # some models count positions from where the padding id is not
        known = self.config.get("vocab_size")
        if isinstance(known, int) and tokenizer.pad >= known:
            tokenizer.pad = 0  # the model has no row for it; padding is masked, so any row will do
        return tokenizer

    @cached_property
    def width(self) -> int:
        """Width of the token vectors."""
        return width_of(self.folder, self.config)

    @cached_property
    def digests(self) -> dict[str, str]:
        """Digests of everything read from the folder."""
        found = {"weights": weights_digest(self.folder), "tokenizer": tokenizer_digest(self.folder)}
        return found if self._delta is None else {**found, "delta": digest_file(self._delta)}

    @cached_property
    def model(self) -> Any:
        """The transformers model, on its device."""
        torch = need("torch", "dense")
        torch.set_num_threads(min(torch.get_num_threads(), usable_threads()))
        device = device_named(self._device)
        model = load_model(self.folder, self._dtype, self._architecture, self._delta)
        return pack_linear_layers(model.to(device))

    def budget(self, settings: WeightsSettings) -> int:
        """Tokens of a padded batch, as the settings say or as suits the device."""
        return settings.batch_tokens or default_budget(self.model.device.type)

    @property
    def threads(self) -> int:
        """How many batches run at once: on the processor one per core, each of one thread."""
        return usable_threads() if self.model.device.type == "cpu" else 1

    def run(
        self, tokens: Tokens, rows: Rows, attended: Sequence[int] | None = None, **further: torch.Tensor
    ) -> tuple[Any, torch.Tensor, torch.Tensor]:
        """The model's output for the texts at `rows`, with their padded ids and mask (`(texts, longest)` tensors).

        Only the first `attended` tokens of a text are attended to, where that is given; all have outputs.
        """
        import torch

        arrays = padded(tokens.ids, rows, self.tokenizer.pad)
        ids, mask = (self._moved(torch.from_numpy(array)) for array in arrays)
        seen = mask
        if attended is not None:
            lengths = torch.tensor([attended[row] for row in rows], device=mask.device)
            seen = mask * (torch.arange(mask.shape[1], device=mask.device) < lengths[:, None])
        return self._output(input_ids=ids, attention_mask=seen, **further), ids, mask

    def _moved(self, array: torch.Tensor) -> torch.Tensor:
        """On the model's device; copies to a GPU go from pinned memory, beside its work."""
        device = self.model.device
        return array.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else array.to(device)

    def _output(self, **given: torch.Tensor) -> Any:
        """What the model makes of token ids; raises `EncoderError` where it needs more than those."""
        try:
            output = self.model(**given)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError) as error:
            raise EncoderError(
                f"encoder {self.name!r}: {type(self.model).__name__} does not run on token ids alone: {error}",
                remedy="name a text encoder, or save the part of this model that is one as a checkpoint of its own",
            ) from error
        if self._architecture == "auto" and getattr(output, "last_hidden_state", None) is None:
            message = f"encoder {self.name!r}: {type(self.model).__name__} gives no token vectors"
            raise EncoderError(message, remedy="name a text encoder")
        return output
