"""Forged submissions: an honest one as data, every way of changing it, and the file that is written of it."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLUMNS = ("result", "query", "document", "language", "measure", "value")
HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 0.5, -0.5, 1.0, 1e308, 10**30, float("nan"), float("inf"), "", " ", "abc", "0.5", "\0", "\x1b[2K",
    "\u202ea", "a\u200b", "=1+1", "../../x", "/etc/x", "\ud800", "x" * 1000, [], {}, [1], {"a": 1}, [[[[]]]], "9999-12-31T00:00:00+00:00",
    "1970-01-01T00:00:00+00:00", "2026-01-01", "de", "fr", "*", "bm25", "b", "c", "toy/de", "test", "nDCG@10", "RR@10", "AP", "f" * 64,
)  # fmt: skip


TYPED = ("finished", "command", "commit", "versions", "platform", "collection", "system", "policy", "timings", "card")


@dataclass
class Draft:
    """A submission as data: its JSON, its rows, and how they are written."""

    content: dict[str, Any]
    rows: list[list[Any]]
    write: dict[str, Any] = field(default_factory=dict)
    damage: str = ""


def honest_draft(folder: Path) -> Draft:
    """Two results, packed by the harness."""
    import pyarrow.parquet as pq
    from toys import board_results as made
    from toys.submissions import CARD, honest, ranking

    from lapca_bench.report.submission import packed

    results = list(made.write(folder / "honest", [honest("a"), honest("b", ranking(1))]).all())
    cards = {name: CARD.model_copy(update={"name": name}) for name in ("a", "b")}
    packed.write(results, cards, folder / "honest.parquet")
    table = pq.read_table(folder / "honest.parquet")
    columns = [table[name].to_pylist() for name in COLUMNS]
    return Draft(json.loads(table.schema.metadata[packed.KEY]), [list(row) for row in zip(*columns, strict=True)])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, one in inner for place in ((*path, name), *places(one, (*path, name)))]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """What stands at a path."""
    for name in path:
        value = value[name]
    return value


def change_fact(draw: random.Random, draft: Draft) -> None:
    """One value of the JSON deleted, replaced, copied from elsewhere, or moved a little."""
    path = draw.choice(places(draft.content))
    holder, name = at(draft.content, path[:-1]), path[-1]
    old = holder[name]
    match draw.randrange(7):
        case 0:
            del holder[name]
        case 1 | 2:
            holder[name] = copy.deepcopy(draw.choice(HOSTILE))
        case 3:
            holder[name] = copy.deepcopy(at(draft.content, draw.choice(places(draft.content))))
        case 4 if isinstance(old, int | float) and not isinstance(old, bool):
            holder[name] = draw.choice((old + 1, -old, old * 1.0000001, old + 1e-6, old * 1000, float(old), str(old)))
        case 5 if isinstance(holder, list):
            holder.insert(draw.randrange(len(holder) + 1), copy.deepcopy(old))
        case _ if isinstance(holder, dict):
            holder[draw.choice(("more", f"{name} ", "kept", "note", str(name).upper()))] = copy.deepcopy(old)
        case _:
            holder.append(copy.deepcopy(draw.choice(HOSTILE)))


def change_row(draw: random.Random, draft: Draft) -> None:
    """One or some rows changed, lost, repeated or moved."""
    if not draft.rows:
        return
    number = draw.randrange(len(draft.rows))
    row = draft.rows[number]
    match draw.randrange(9):
        case 0:
            del draft.rows[number : number + draw.choice((1, 1, 2, 8))]
        case 1:
            draft.rows[number:number] = [list(row) for _ in range(draw.choice((1, 1, 5, 300)))]
        case 2:
            row[5] = draw.choice((1.0, 0.0, 0.25, 0.1, -1.0, 2.0, 1e300, math.nan, math.inf, row[5] + 2**-20, None))
        case 3:
            row[draw.randrange(6)] = None
        case 4:
            column = draw.randrange(1, 5)
            row[column] = draw.choice([one[column] for one in draft.rows] + ["x", "", "\x1b", "d9"])
        case 5:
            row[0] = draw.choice((0, 1, 2, -1))
        case 6:
            other = draft.rows[draw.randrange(len(draft.rows))]
            column = draw.randrange(6)
            row[column], other[column] = other[column], row[column]
        case 7:
            draft.rows.append(draft.rows.pop(number))
        case _:
            draw.shuffle(draft.rows)


def perfect_scores(draw: random.Random, draft: Draft, number: int) -> None:
    """All scores 1, with their means."""
    _score(draft, number, lambda *_: 1.0)
    _tell_means(draft, number)


def repeated_scores(draw: random.Random, draft: Draft, number: int) -> None:
    """Perfect scores of some queries, repeated, with the means that come of it."""
    own = [row for row in draft.rows if row[0] == number and row[2] is None and row[5] == 1.0]
    draft.rows += [list(row) for row in own for _ in range(50)]
    _tell_means(draft, number)


def better_means(draw: random.Random, draft: Draft, number: int) -> None:
    """Means alone."""
    for one in draft.content["results"][number]["aggregates"]:
        one["mean"] = draw.choice((1.0, 0.99, one["mean"]))


def another_run(draw: random.Random, draft: Draft, number: int) -> None:
    """Other documents, with the scores of the honest run."""
    for row in draft.rows:
        if row[0] == number and row[2] is not None:
            row[2] = f"d{(int(row[2][1:]) + draw.randrange(6)) % 6}"


def another_honest_run(draw: random.Random, draft: Draft, number: int) -> None:
    """Another run, scored by this file's own measures: honest work, which may pass."""
    for row in draft.rows:
        if row[0] == number and row[2] is not None:
            row[5] = 0.5 + draw.randrange(8) / 16
    draft.rows.sort(key=lambda row: (row[0], row[2] is None, row[1] if row[2] else "", -row[5] if row[2] else 0))
    _score(draft, number, lambda query, measure: measured(draft.rows, number, query, measure))
    _tell_means(draft, number)


def other_settings(draw: random.Random, draft: Draft, number: int) -> None:
    """Other settings, with digest and key."""
    from lapca_bench.digest import digest_value

    facts = draft.content["results"][number]
    facts["provenance"]["system"]["settings"]["encoder"] = {"class": draw.choice(("a", "x", "bm25"))}
    facts["system_digest"] = digest_value(facts["provenance"]["system"])
    _tell_key(facts)


def another_name(draw: random.Random, draft: Draft, number: int) -> None:
    """Another name, everywhere."""
    facts = draft.content["results"][number]
    name = draw.choice(("bm25", "me5-small-q4", "c", "C", "Bm25", "a ", "b"))
    old, facts["system"], facts["title"] = facts["system"], name, name
    draft.content["cards"][name] = {**draft.content["cards"].get(old, {}), "name": name}


def another_depth(draw: random.Random, draft: Draft, number: int) -> None:
    """Another depth, with the key."""
    facts = draft.content["results"][number]
    facts["provenance"]["depth"] = draw.choice((1, 3, 4, 50, 10**9))
    _tell_key(facts)


def another_language(draw: random.Random, draft: Draft, number: int) -> None:
    """A language renamed everywhere."""
    facts, new = draft.content["results"][number], draw.choice(("es", "de", "=1+1"))
    for row in draft.rows:
        row[3] = new if row[0] == number and row[3] == "fr" else row[3]
    facts["languages"] = [new if one == "fr" else one for one in facts["languages"]]
    _tell_means(draft, number)


def fewer_queries(draw: random.Random, draft: Draft, number: int) -> None:
    """A query left out of scores and means."""
    gone = draw.choice(("q0", "q1", "q2", "q3"))
    draft.rows = [row for row in draft.rows if row[0] != number or row[2] is not None or row[1] != gone]
    _tell_means(draft, number)


FORGERIES = (
    perfect_scores, repeated_scores, better_means, another_run, another_honest_run, other_settings, another_name,
    another_depth, another_language, fewer_queries,
)  # fmt: skip


def forge(draw: random.Random, draft: Draft) -> None:
    """Several places changed together, as someone would who wants to be believed."""
    draw.choice(FORGERIES)(draw, draft, draw.randrange(2))


def physical(draw: random.Random, draft: Draft) -> None:
    """The same rows, written otherwise."""
    draft.write = {
        "compression": draw.choice(("zstd", "snappy", "gzip", "none")),
        "use_dictionary": draw.random() < 0.5,
        "row_group_size": draw.choice((1, 7, 1000)),
        "data_page_version": draw.choice(("1.0", "2.0")),
    }
    draft.damage = draw.choice(
        ("", "", "column more", "column twice", "order", "float32", "nested", "text", "no metadata")
    )


def _tell_key(facts: dict[str, Any]) -> None:
    from toys.submissions import Toy

    from lapca_bench.store.result_key import result_key

    depth = facts["provenance"]["depth"]
    facts["key"] = result_key(facts["system_digest"], "toy/de", "test", "f", depth, Toy().card.policy)


def _score(draft: Draft, number: int, value: Any) -> None:
    for row in draft.rows:
        if row[0] == number and row[2] is None:
            row[5] = value(row[1], row[4])


def _tell_means(draft: Draft, number: int) -> None:
    """The means that the score rows give, each over its rows as they stand."""
    facts = draft.content["results"][number]
    scores = [row for row in draft.rows if row[0] == number and row[2] is None]
    facts["aggregates"] = []
    for measure in dict.fromkeys(row[4] for row in scores):
        of = {x: [row[5] for row in scores if (row[4], row[3]) == (measure, x)] for x in facts["languages"]}
        counts = {x: len(values) for x, values in of.items()}
        means = {x: math.fsum(values) / len(values) if values else None for x, values in of.items()}
        every = [value for values in of.values() for value in values]
        macro = None if None in means.values() else math.fsum(means.values()) / len(means)  # type: ignore[arg-type]
        micro = math.fsum(every) / len(every) if every and macro is not None else None
        told = [*((x, means[x], counts[x]) for x in of), ("", macro, len(every)), ("*", micro, len(every))]
        facts["aggregates"] += [{"measure": measure, "language": x, "mean": m, "queries": n} for x, m, n in told]


def measured(rows: list[list[Any]], number: int, query: str, measure: str) -> float:
    """Reciprocal rank or nDCG at 10 of a query whose one relevant document bears its number."""
    found = [(row[5], row[2]) for row in rows if row[0] == number and row[1] == query and row[2] is not None]
    found.sort(key=lambda one: (one[0], one[1].encode()), reverse=True)
    names = [name for _, name in found][:10]
    wanted = f"d{query[1:]}"
    if wanted not in names:
        return 0.0
    rank = names.index(wanted) + 1
    return 1 / rank if measure == "RR@10" else 1 / math.log2(rank + 1)


def write(draft: Draft, path: Path) -> bool:
    """Write the file; False where no Parquet file can say this."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from lapca_bench.report.submission import packed

    types = (pa.int32(), pa.string(), pa.string(), pa.string(), pa.string(), pa.float64())
    try:
        columns = [pa.array([row[place] for row in draft.rows], kind) for place, kind in enumerate(types)]
        table = pa.table(dict(zip(COLUMNS, columns, strict=True)))
        if draft.damage == "column more":
            table = table.append_column("more", columns[5])
        elif draft.damage == "column twice":
            table = table.append_column("value", columns[5])
        elif draft.damage == "order":
            table = table.select(["value", *COLUMNS[:5]])
        elif draft.damage == "float32":
            table = table.set_column(5, "value", columns[5].cast(pa.float32()))
        elif draft.damage == "text":
            table = table.set_column(5, "value", columns[5].cast(pa.string()))
        elif draft.damage == "nested":
            table = table.set_column(1, "query", pa.array([[row[1]] for row in draft.rows], pa.list_(pa.string())))
        about = {} if draft.damage == "no metadata" else {packed.KEY: json.dumps(draft.content).encode()}
        pq.write_table(table.replace_schema_metadata(about), path, **draft.write)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    return True


def mutated(draw: random.Random, honest: Draft) -> Draft:
    """The honest one with one to four changes."""
    draft = Draft(copy.deepcopy(honest.content), [list(row) for row in honest.rows])
    for _ in range(draw.choice((1, 1, 1, 2, 2, 4))):
        change = draw.choice((change_fact, change_fact, change_row, change_row, forge, forge, physical))
        with contextlib.suppress(KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
            change(draw, draft)  # what an earlier change took away
    return draft
