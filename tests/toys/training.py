"""A toy language of three tongues whose words correspond by number: start model, pairs and recipe of its training."""

from pathlib import Path

import numpy as np
import torch

from lapca_bench.training.batches.pair_table import PairTable
from lapca_bench.training.batches.pairs import AlignmentBatches
from lapca_bench.training.mining.chunks import MinedPair
from lapca_bench.training.mining.pair_file import write_pairs
from lapca_bench.training.recipe import Recipe
from lapca_bench.training.text.linked import Block

WORDS = 40
LANGUAGES = ("aa", "bb", "cc")


def write_start(folder: Path) -> Path:
    """A random two-layer BERT with one token per toy word."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    names += [f"{language}{number}" for language in LANGUAGES for number in range(WORDS)]
    backend = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    tokens = {f"{role}_token": token for role, token in special.items()}
    PreTrainedTokenizerFast(tokenizer_object=backend, **tokens).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(
        BertConfig(vocab_size=len(names), max_position_embeddings=32, **sizes), add_pooling_layer=False
    ).save_pretrained(folder)
    return folder


def write_toy_pairs(path: Path) -> Path:
    """Sentences of six words in three languages whose words correspond by number."""
    random = np.random.default_rng(0)
    found = []
    for page in range(120):
        numbers = random.integers(WORDS, size=6)
        one, other = random.choice(len(LANGUAGES), size=2, replace=False)
        sides = [
            Block(
                f"{page}#{LANGUAGES[place]}",
                str(page),
                LANGUAGES[place],
                " ".join(f"{LANGUAGES[place]}{n}" for n in numbers),
            )
            for place in sorted((one, other))
        ]
        found.append(MinedPair(*sides, 1.0))
    write_pairs(path, found)
    return path


def recipe(start: Path, **tables) -> Recipe:
    content = {
        "name": "toy",
        "encoder": {
            "type": "transformer",
            "checkpoint": str(start),
            "pooling": "mean",
            "query_max_length": 16,
            "document_max_length": 16,
        },
        "pairs": {"held_out": 20},
        "views": {"sentence": 0.0, "monolingual": 0.0, "mask": 0.15},
        "objective": {"mlm": 0.1, "same_page": 0},
        "trained": {"what": "all", "dropout": True},
        "optimisation": {
            "steps": 6,
            "batch": 16,
            "chunk": 8,
            "learning_rate": 5e-3,
            "query_length": 16,
            "passage_length": 16,
        },
        "evaluation": {"every": 1000, "save_every": 1000},
    }
    for table, values in tables.items():
        content[table] = {**content.get(table, {}), **values}
    return Recipe.model_validate(content)


def source(made: Recipe, pairs: Path) -> AlignmentBatches:
    table = PairTable.read([pairs])
    return AlignmentBatches(
        table,
        made.pairs,
        made.views,
        same_page=made.objective.same_page,
        pivot_language=made.objective.needs.pivot_language,
        batch=made.optimisation.batch,
        seed=made.seed,
    )
