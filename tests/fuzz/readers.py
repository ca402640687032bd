"""What is fuzzed: every reader of files from outside, with whole files to begin from, written here."""

from __future__ import annotations

import io
import json
import struct
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the toys that tests share

Read = Callable[[Path], object]


@dataclass(frozen=True)
class Reader:
    """One reader: the name of the file it is given, whole files, words of its format, and whether it is cheap.

    The first whole file must be read; where it would be too large, `whole` is False and it ends before its end.
    """

    name: str
    file: str
    read: Read
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    cheap: bool = True
    whole: bool = True


NUMBERS = (b"nan", b"inf", b"-1", b"1e400", b"9" * 30, b"9" * 5000, b"0x10", b"1_0", "²".encode(), b"-", b"--1", b"-0")
ODD = (
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\r\n",
    b"\n\n",
    b"\t",
    b" ",
    "\u2028".encode(),
    "\ufeff".encode(),
    "🙂".encode(),
)
JSON = (
    b'"\\ud800"',
    b"[" * 3000,
    b"{" * 3000,
    b'{"a":' * 2000,
    b"NaN",
    b"Infinity",
    b"null",
    b"{}",
    b"[]",
    b'""',
    b"true",
)
TOML = (
    b"[" * 3000,
    b"a = " + b"[" * 2000,
    b"{a=" * 2000,
    b"1979-05-27",
    b"'''",
    b'"""',
    b"[[x]]",
    b"= ",
    b"inf",
    b"a.b.c = 1",
    b"#",
)


def _drained(made: object) -> object:
    return list(made)  # type: ignore[call-overload]


def _archive(path: Path) -> None:
    from lapca_bench.resources.archives import members

    for _, stream in members(path, lambda _: True):
        while stream.read(1 << 16):
            pass


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "text " * 50)
        archive.writestr("c.bin", bytes(range(256)))
    return out.getvalue()


def _tar(mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in (("a/b.txt", b"text " * 50), ("control", b"Package: x\nVersion: 1.2\n")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _deb() -> bytes:
    out = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0\n"), ("control.tar.gz", _tar("w:gz")), ("data.tar.xz", _tar("w:xz"))):
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        out += b"\n" if len(content) % 2 else b""
    return out


def _parquet(columns: dict[str, list[object]]) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()


def _safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    from safetensors.numpy import save

    return save(tensors)


def _e5() -> bytes:
    """The head of a 4-bit E5 file and one tensor: enough for every branch but the last."""
    head = b"E5S1" + struct.pack("<I7if", 1, 32, 1, 2, 32, 8, 8, 1, 1e-12) + struct.pack("<i", 32)
    pieces = (
        struct.pack("<5i", 1, 0, 0, 0, 0) + struct.pack("<Q", 2) + b"\0" * 12 + b"ab" + struct.pack("<iI", 0, 1) + b"x"
    )
    name = b"emb.ln.w"
    values = np.ones(32, "<f4").tobytes()
    entry = struct.pack("<iH", 1, len(name)) + name
    offset = len(head) + len(pieces) + len(entry) + struct.calcsize("<BIQQ")
    return head + pieces + entry + struct.pack("<BIQQ", 0, 32, offset, len(values)) + values


def _fields() -> object:
    from lapca_bench.collections.files_reading import Fields

    return Fields("id", "text", "title", "lang", "", frozenset({"de", "fr"}))


def _restored(path: Path) -> object:
    from lapca_bench.sealed import read_sealed

    return read_sealed(path, "make it again")


def _maps() -> bytes:
    from safetensors.numpy import save

    return save({"de.offset": np.zeros(2, np.float16), "de.projection": np.eye(2, dtype=np.float16)}, {"method": "toy"})


def _model() -> object:
    import torch

    torch.manual_seed(0)
    return torch.nn.Linear(3, 2)


def _delta(model: object) -> bytes:
    from safetensors.torch import save

    from lapca_bench.encoders.weights.delta import BASE, base_digest

    changes = {name: value.detach().half() for name, value in model.named_parameters()}  # type: ignore[attr-defined]
    return save(changes, {"format": "pt", BASE: base_digest(model)})


def _with_delta(model: object, path: Path) -> None:
    import copy

    from lapca_bench.encoders.weights.delta import apply_delta

    apply_delta(copy.deepcopy(model), path)


def _pairs_read(path: Path) -> object:
    from lapca_bench.training.batches.pair_table import COLUMNS, PairTable

    table = PairTable.read([path])
    return [table.column(name) for name in COLUMNS]


def _submission() -> bytes:
    """A result with the card of its system, packed as `submit` does."""
    import tempfile

    from toys import board_results as made
    from toys.submissions import CARD, honest

    from lapca_bench.report.submission import packed

    with tempfile.TemporaryDirectory() as folder:
        stored = list(made.write(Path(folder), [honest()]).all())
        packed.write(stored, {"a": CARD}, Path(folder, "sub.parquet"))
        return Path(folder, "sub.parquet").read_bytes()


def readers() -> dict[str, Reader]:
    """All of them, by name."""
    from lapca_bench.collections import files, files_reading
    from lapca_bench.collections.formats import beir
    from lapca_bench.collections.formats import dpr as dpr_format
    from lapca_bench.collections.formats import squad as squad_format
    from lapca_bench.encoders.weights import checkpoint, dense_layer, e5_q4, head_file
    from lapca_bench.experiment import spec
    from lapca_bench.inputs import trec
    from lapca_bench.report.published import mteb_import
    from lapca_bench.report.submission import packed
    from lapca_bench.scoring import predictions
    from lapca_bench.search import kinds
    from lapca_bench.store import results, runs
    from lapca_bench.store.shard import read_manifest
    from lapca_bench.training import checkpoint as trained
    from lapca_bench.training import recipe
    from lapca_bench.training.batches import pair_table, questions, self_mined
    from lapca_bench.training.text import json_lines

    fields = _fields()
    about = mteb_import.Attribution("me5", "zero-shot", "mteb", "Table 1")
    run = b"q1 Q0 d1 1 0.5 tag\nq1 Q0 d2 2 0.25 tag\nq2 Q0 d1 1 1e-3 tag\n"
    rows = {"query": ["q1", "q1"], "document": ["d1", "d2"], "score": [0.5, 0.25]}
    records = b'{"id": "a", "text": "x y", "title": "t", "lang": "de"}\n{"id": "b", "text": "\\u00e9", "lang": "fr"}\n'
    root = Path(__file__).parents[2]
    cards = tuple(path.read_bytes() for path in sorted((root / "baselines" / "cards").glob("*.toml"))[:12])
    mteb = {"task_name": "Tatoeba", "scores": {"test": [{"hf_subset": "deu-eng", "f1": 0.5, "ndcg_at_10": 0.25}]}}
    squad = {"data": [{"title": "t", "paragraphs": [{"context": "A b. C d.", "sentence_breaks": [[0, 4], [5, 9]], "qas": [
        {"id": "1", "question": "q?", "answers": [{"text": "b", "answer_start": 2}]}]}]}]}  # fmt: skip
    dpr = [
        {"question": "q?", "answers": ["a"], "positive_ctxs": [{"text": "a b", "title": "t"}], "hard_negative_ctxs": []}
    ]
    tydi = {"query_id": "1", "query": "q?", "positive_passages": [{"docid": "d", "text": "x", "title": "t"}]}
    model = _model()
    pair_columns: dict[str, list[object]] = {name: ["a", "b"] for name in pair_table.COLUMNS}
    shard = {"address": "x", "encoder": "e", "encoder_digest": "d", "side": "query", "language": "", "dtype": "float32",
             "rows": 1, "dimension": 2, "sha256": "0", "size": 3}  # fmt: skip
    result = {"format": 1, "key": "k" * 64, "system": "s", "title": "t", "kind": "k", "system_digest": "d", "collection": "c/d",
              "split": "t", "languages": [], "aggregates": [], "provenance": {}, "files": {}}  # fmt: skip
    head = _safetensors({"linear.weight": np.ones((2, 3), np.float32), "linear.bias": np.zeros(2, np.float32)})
    listed = (
        Reader("TREC run", "a.run", runs.read_trec, (run,), NUMBERS),
        Reader("TREC qrels", "a.qrels", runs.read_qrels, (b"q1 0 d1 1\nq1 0 d2 0\nq2 0 d1 -1\n",), NUMBERS),
        Reader("qrels of collections", "b.qrels", lambda p: _drained(trec.judgements(p)), (b"q1 0 d1 1\n",), NUMBERS),
        Reader("BEIR qrels", "b.tsv", lambda p: _drained(beir.beir_judgements(p)), (b"q\tc\ts\nq1\td1\t1\n",), NUMBERS),
        Reader("JSON lines", "a.jsonl", lambda p: _drained(files_reading.read_documents([p], fields)), (records,), JSON),
        Reader("JSON lines, gzip", "a.jsonl.gz", lambda p: _drained(files_reading.read_queries([p], fields)), (_gzipped(records),)),
        Reader("TSV", "a.tsv", lambda p: _drained(files_reading.read_queries([p], fields)),
               (b"id\ttext\ttitle\tlang\na\tx\tt\tde\nb\ty\t\tfr\n",)),
        Reader("DPR passages", "psgs.tsv", lambda p: _drained(dpr_format.passages(p, "en")),
               (b'id\ttext\ttitle\n1\t"a ""b"" c"\tT\n2\tx\tU\n',), (b'"', b'""', b'"' * 200)),
        Reader("SQuAD JSON", "squad.json", lambda p: _drained(squad_format.paragraphs(p, split_in_sentences=True)),
               (json.dumps(squad).encode(),), JSON),
        Reader("DPR questions", "dpr.json", lambda p: questions.read_questions([p]), (json.dumps(dpr).encode(),), JSON),
        Reader("question JSON lines", "tydi.jsonl", lambda p: questions.read_questions([p]),
               (json.dumps(tydi).encode() + b"\n" + json.dumps(dpr[0]).encode(),), JSON),
        Reader("predictions", "pred.json", lambda p: predictions.read_predictions(p.read_bytes(), p),
               (b'[{"id": "1", "lang": "de", "ctxs": ["a", "b"]}, {"id": 2, "lang": "fr", "ctxs": []}]',), JSON),
        Reader("mined negatives", "negatives.jsonl", self_mined.read_negatives,
               (b'{"id": "1", "negatives": [{"docid": "d", "title": "t", "text": "x"}]}\n',), JSON),
        Reader("training record", "training.json", lambda p: trained.read_record(p.parent),
               (json.dumps({"recipe": "r", "progress": {"step": 1, "history": []}}).encode(),), JSON),
        Reader("MTEB JSON", "mteb.json", lambda p: mteb_import.read_mteb(p, about), (json.dumps(mteb).encode(),), JSON),
        Reader("linked JSON lines", "linked.jsonl", lambda p: _drained(json_lines.JsonLinesCorpus(p).groups()),
               (b'{"link": "1", "language": "de", "title": "t", "paragraphs": ["a", "b"]}\n',), JSON),
        Reader("experiment TOML", "exp.toml", spec.read, (b'systems = ["bm25"]\ncollections = ["a/b"]\ndepth = 10\n',), TOML),
        Reader("system card TOML", "card.toml", kinds.read_card, cards, TOML),
        Reader("collection card TOML", "coll.toml", files.read_card, (_CARD,), TOML),
        Reader("recipe TOML", "recipe.toml", lambda p: recipe.load_recipe(str(p)),
               tuple(path.read_bytes() for path in recipe.shipped_recipes().values()), TOML),
        Reader("shard manifest", "x.json", read_manifest, (json.dumps(shard).encode(),), JSON),
        Reader("result manifest", "result.json", lambda p: results.read_result(p.parent), (json.dumps(result).encode(),), JSON),
        Reader("sealed manifest", "sealed.json", _restored, (b'{"files": {"a": "b"}}',), JSON),
        Reader("config.json", "config.json", lambda p: checkpoint.configuration(p.parent), (b'{"model_type": "bert"}',), JSON),
        Reader("e5-q4", "e5.bin", e5_q4.read_weights, (_e5(),), (b"\xff" * 8, b"\x7f" * 4, b"\0" * 8), whole=False),
        Reader("safetensors head", "head.safetensors", lambda p: dense_layer.load_dense_layer(p, "tanh"), (head,), JSON),
        Reader("language head", "maps.safetensors", head_file.read_head, (_maps(),), JSON),
        Reader("delta", "delta.safetensors", lambda p: _with_delta(model, p), (_delta(model),), JSON),
        Reader("zip", "a.zip", _archive, (_zip(),), (b"PK\1\2", b"../", b"\xff" * 4)),
        Reader("tar", "a.tar", _archive, (_tar(),), (b"ustar", b"../", b"\xff" * 8, b"7" * 11)),
        Reader("tar.gz", "a.tar.gz", _archive, (_tar("w:gz"),)),
        Reader("deb", "a.deb", _archive, (_deb(),), (b"data.tar.xz", b"9" * 10), cheap=False),
        Reader("run Parquet", "run.parquet", runs.read_parquet, (_parquet(rows),), cheap=False),
        Reader("corpus Parquet", "c.parquet", lambda p: _drained(files_reading.read_documents([p], fields)),
               (_parquet({"id": ["a", "b"], "text": ["x", "y"], "lang": ["de", "fr"]}),), cheap=False),
        Reader("pairs Parquet", "pairs.parquet", _pairs_read, (_parquet(pair_columns),), cheap=False),
        Reader("submission", "sub.parquet", packed.read, (_submission(),), cheap=False),
    )  # fmt: skip
    return {reader.name: reader for reader in listed}


def _gzipped(content: bytes) -> bytes:
    import gzip

    return gzip.compress(content, mtime=0)


_CARD = b"""name = "toy"
query_languages = ["de", "fr"]
document_languages = ["en"]
measures = ["nDCG@10"]

[documents]
path = "corpus.jsonl"
language = "en"

[splits.test]
queries = { path = "queries.jsonl", fields = { language = "lang" } }
qrels = "qrels.txt"
"""
