"""The model being trained: texts of either side in, pooled vectors and masked-token loss out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from lapca_bench.encoders.kinds.transformer import TransformerSettings
from lapca_bench.encoders.weights.checkpoint import find
from lapca_bench.encoders.weights.network import first_position, folder_of, load_model
from lapca_bench.encoders.weights.pooling import pool
from lapca_bench.encoders.weights.spans import Span, SpannedText
from lapca_bench.encoders.weights.tokenizer import Tokenizer, load_tokenizer
from lapca_bench.errors import InputError, UsageError
from lapca_bench.toml_model import Strict
from lapca_bench.training.model.language_head import language_head
from lapca_bench.training.model.language_modelling import IGNORED, Int64, MaskVocabulary, hidden_token_loss
from lapca_bench.training.model.onednn_linear import multiply_by_onednn
from lapca_bench.training.model.row_gradients import add_gradients_by_row
from lapca_bench.training.model.rows import Rows

if TYPE_CHECKING:
    from torch import Tensor, nn

TextSide = Literal["query", "passage"]


class TrainedSettings(Strict):
    """Which weights move: all of them, the `layers` upper layers, or a low-rank adapter on the upper `layers`."""

    what: Literal["all", "upper", "adapter"] = "all"
    layers: int = Field(default=6, ge=1)
    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, gt=0)
    dropout: bool = True


def load_start(settings: TransformerSettings, *, with_delta: bool = True) -> Any:
    """The start model in float32; without its delta it is what a delta of the training is counted from."""
    delta = find(settings.delta) if with_delta and settings.delta is not None else None
    return load_model(folder_of(settings), "float32", settings.architecture, delta)


def frozen_start(settings: TransformerSettings, device: str) -> nn.Module:
    """The start model as it is compared with while another copy is trained: on `device`, without gradient."""
    network: nn.Module = load_start(settings).to(device).requires_grad_(requires_grad=False)
    return network


class TrainedTower:
    """A transformer with its tokenizer, pooling and prompts, of which some weights are trained.

    `folder` is the start model; `settings` its `[encoder]` table. With `language_model` a masked-token head sits on
    top: the checkpoint's own where it has one, else a new one tied to the word embeddings; with `grader` a linear
    grade of the first token's vector.
    """

    def __init__(
        self,
        settings: TransformerSettings,
        trained: TrainedSettings,
        *,
        language_model: bool,
        seed: int,
        grader: bool = False,
    ) -> None:
        import torch

        if settings.head is not None or settings.query_checkpoint is not None:
            raise UsageError("training takes one shared encoder without a head", key="encoder", remedy="drop the head")
        torch.manual_seed(seed)
        self.settings = settings
        self.folder = folder_of(settings)
        self.tokenizer: Tokenizer = load_tokenizer(self.folder)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        encoder = load_start(settings)
        if isinstance(pad := encoder.config.pad_token_id, int):
            self.tokenizer.pad = pad
        if self.device == "cpu":  # its gradient of fused attention takes a fifth of a step
            encoder.set_attn_implementation("eager")
        self.encoder: Any = freeze(encoder, trained).to(self.device)
        add_gradients_by_row(self.encoder)
        multiply_by_onednn(self.encoder)
        self.head: nn.Module | None = None
        if language_model:
            self.head = language_head(self.folder, encoder.config).to(self.device)
        self.grader: nn.Module | None = None
        if grader:
            self.grader = torch.nn.Linear(encoder.config.hidden_size, 1).to(self.device)
        self.set_training(dropout=trained.dropout)

    def set_training(self, *, dropout: bool) -> None:
        """Dropout on or off for the passes that follow."""
        self.encoder.train(dropout)

    def trained_parameters(self) -> dict[str, nn.Parameter]:
        """The parameters that move, by name, in a fixed order."""
        parts = {"encoder": self.encoder, "head": self.head, "grader": self.grader}
        return {
            f"{part}.{name}": value
            for part, module in parts.items()
            if module is not None
            for name, value in module.named_parameters()
            if value.requires_grad
        }

    def mask_vocabulary(self) -> MaskVocabulary:
        """What masking needs; raises `InputError` for a tokenizer without a mask token."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(self.folder), local_files_only=True, trust_remote_code=False)
        if tokenizer.mask_token_id is None:
            remedy = "set views.mask = 0 and objective.mlm = 0"
            raise InputError("the tokenizer has no mask token", path=self.folder, remedy=remedy)
        special = frozenset([*tokenizer.all_special_ids, self.tokenizer.pad])
        return MaskVocabulary(tokenizer.mask_token_id, tokenizer.vocab_size, special)

    @property
    def width(self) -> int:
        """Width of its vectors."""
        return int(self.encoder.config.hidden_size)

    def tokenise(self, texts: Sequence[str], side: TextSide, length: int) -> list[Int64]:
        """Token ids of texts with the side's prompt, cut at `length` tokens."""
        prompt = self.settings.query_prompt if side == "query" else self.settings.document_prompt
        tokens = self.tokenizer.encode([prompt + text for text in texts], length)
        return [ids.astype(np.int64) for ids in tokens.ids]

    def tokenise_spans(self, texts: Sequence[str], spans: Sequence[Sequence[Span]], length: int) -> list[SpannedText]:
        """Passages with the tokens of each of their spans, as `SpannedText` says.

        Raises `UsageError` where the encoder does not take the mean of its tokens.
        """
        if self.settings.pooling != "mean":
            raise UsageError(
                "parts of a text are pooled by their mean alone", key="encoder.pooling", remedy='set "mean"'
            )
        prompt = self.settings.document_prompt
        found = self.tokenizer.encode_places([prompt + text for text in texts], length)
        return [
            SpannedText.of(
                ids.astype(np.int64), places, [(a + len(prompt), b + len(prompt)) for a, b in own], len(prompt)
            )
            for (ids, places), own in zip(found, spans, strict=True)
        ]

    def hidden_states(self, rows: Rows) -> Tensor:
        """(texts, tokens, width); repeatable, because dropout is seeded by the rows."""
        import torch

        torch.manual_seed(rows.seed)
        ids, mask = (torch.from_numpy(part).to(self.device) for part in (rows.ids, rows.mask))
        further = {}
        if rows.positions is not None:
            first = first_position(self.encoder.config.to_dict())
            further["position_ids"] = torch.from_numpy(rows.positions + first).to(self.device)
        states: Tensor = self.encoder(input_ids=ids, attention_mask=mask, **further).last_hidden_state.float()
        return states

    def pooled(self, hidden: Tensor, rows: Rows) -> Tensor:
        """(vectors, width), not normalised: one per text, or one per part of a text where the rows name parts."""
        import torch

        if rows.pools is None:
            return pool(hidden, torch.from_numpy(rows.mask).to(self.device), self.settings.pooling)
        chosen = torch.from_numpy(rows.pools.tokens).to(self.device)
        return pool(hidden[torch.from_numpy(rows.pools.rows).to(self.device)], chosen, "mean")

    def masked_loss(self, hidden: Tensor, rows: Rows, total: int) -> Tensor:
        """This chunk's share of the mean loss over `total` hidden tokens; the head sees hidden positions only."""
        import torch

        if self.head is None:
            raise ValueError("no term said that it needs a language model")
        labels = torch.from_numpy(rows.labels).to(self.device)
        chosen = labels != IGNORED
        embeddings = self.encoder.get_input_embeddings().weight
        return hidden_token_loss(self.head(hidden[chosen], embeddings), labels[chosen], total=total)

    def grades(self, hidden: Tensor) -> Tensor:
        """(texts,) grades of two texts in one sequence, from the vector of its first token."""
        if self.grader is None:
            raise ValueError("no term said that it needs a grader")
        found: Tensor = self.grader(hidden[:, 0]).squeeze(-1)
        return found


def freeze(encoder: Any, trained: TrainedSettings) -> Any:
    """The encoder with only the recipe's weights left to train; raises `UsageError` where it has too few layers."""
    import torch

    if trained.what == "all":
        return encoder
    layers = next((module for module in encoder.modules() if isinstance(module, torch.nn.ModuleList)), None)
    if layers is None or len(layers) < trained.layers:
        found = 0 if layers is None else len(layers)
        raise UsageError(
            f"the start model has {found} layers", key="trained.layers", remedy=f"set trained.layers to {found} or less"
        )
    encoder.requires_grad_(requires_grad=False)
    if trained.what == "upper":
        layers[-trained.layers :].requires_grad_(requires_grad=True)
        return encoder
    from peft import LoraConfig, get_peft_model

    prefix = next(name for name, module in encoder.named_modules() if module is layers)
    linear = [
        f"{prefix}.{number}.{name}"
        for number in range(len(layers) - trained.layers, len(layers))
        for name, module in layers[number].named_modules()
        if isinstance(module, torch.nn.Linear)
    ]
    return get_peft_model(encoder, LoraConfig(r=trained.rank, lora_alpha=trained.alpha, target_modules=linear))
