"""`lapca-bench collections`: what there is to search, whether it is here, whether its counts are right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lapca_bench.cli.output import Json, say, say_columns, say_json, tell

app = typer.Typer(help="List, describe, check and export collections.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="A collection, such as help-pages/de-en (or the path of a card).")]


@app.command("list", epilog="Example: lapca-bench collections list help-pages")
def list_(
    family: Annotated[str | None, typer.Argument(help="Only this family, such as help-pages.")] = None,
    json: Json = False,
) -> None:
    """List the collections, their groups, and whether each is on this machine."""
    from lapca_bench.collections import registry
    from lapca_bench.errors import unknown_name

    if family is not None and family not in registry.families():
        raise unknown_name("family", family, registry.families())
    names = [name for name in registry.names() if family is None or name.partition("/")[0] == family]
    records = [_summary(name) for name in names]
    if json:
        say_json(records)
        return
    rows = [(r["name"], " ".join(r["query_languages"]), " ".join(r["document_languages"]), _here(r)) for r in records]
    say_columns(("collection", "queries", "documents", "here"), [(*_short(row),) for row in rows])
    groups = {name: members for name, members in registry.groups().items() if family in (None, name.partition("/")[0])}
    if groups:
        say()
        say_columns(
            ("group", "stands for"), [(name, f"{len(members)} collections") for name, members in groups.items()]
        )


def _here(record: dict[str, Any]) -> str:
    """Whether a collection is here, and how it comes here: what `fetch` would bring, or by asking its authors."""
    from lapca_bench import resources
    from lapca_bench.cli.needed import download_words

    if record["present"]:
        return "yes"
    if not record["fetch"]:
        return "no: see `lapca-bench collections info`"
    sizes = [resources.catalog()[name].size for name in record["fetch"]]
    return f"fetch ({download_words(sum(sizes) if all(sizes) else 0)})"


def _short(row: tuple[str, ...]) -> list[str]:
    return [text if len(text) <= 40 else f"{len(text.split())} languages" for text in row]


def _summary(name: str) -> dict[str, Any]:
    from lapca_bench.collections import registry

    card, presence = registry.card(name), registry.status(name)
    return {
        "name": name,
        "title": card.title,
        "version": card.version,
        "query_languages": list(card.query_languages),
        "document_languages": list(card.document_languages),
        "splits": list(card.splits),
        "measures": list(card.policy.measures),
        "present": presence.present,
        "reason": presence.reason,
        "remedy": presence.remedy,
        "fetch": list(presence.fetch),
    }


@app.command(epilog="Example: lapca-bench collections info help-pages/de-en")
def info(name: Name, json: Json = False) -> None:
    """Describe one collection or group: source, licence, languages, policy, whether it is here."""
    from dataclasses import asdict

    from lapca_bench.collections import registry

    members = registry.expand(name)
    if members != (name,):
        if json:
            say_json({"name": name, "collections": list(members)})
        else:
            say(f"{name} stands for {len(members)} collections:")
            for member in members:
                say(f"  {member}")
        return
    card = registry.card(name)
    if json:
        say_json({**asdict(card), **_summary(name)})
        return
    presence = registry.status(name)
    policy = card.policy
    facts = {
        "title": card.title,
        "version": card.version,
        "licence": card.licence,
        "citation": card.citation,
        "address": card.url,
        "query languages": " ".join(card.query_languages),
        "document languages": " ".join(card.document_languages),
        "splits": " ".join(card.splits),
        "measures": f"{', '.join(policy.measures)} (depth {policy.depth})",
        "mean over languages": policy.average,
        "a query's own document": {"keep": "may be retrieved", "drop": "is dropped before the cut"}[policy.self_match],
        "queries without relevant": {"zero": "count as zero", "exclude": "are left out"}[policy.no_relevant],
        "one observation": f"the translations of a query: {policy.translations}" if policy.translations else "a query",
        "here": "yes" if presence.present else f"no: {presence.reason}",
        "to get it": "" if presence.present else presence.remedy,
        "note": card.note,
    }
    say(name)
    for key, value in facts.items():
        if value:
            say(f"  {key:<25} {value}")


@app.command(epilog="Example: lapca-bench collections check help-pages/de-en")
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Collections, groups or families.")] = None,
    all_present: Annotated[
        bool, typer.Option("--all-present", help="Check everything that is on this machine.")
    ] = False,
    json: Json = False,
) -> None:
    """Count documents, queries and judgements and compare with the authors' counts; exit 1 on a difference.

    A collection of which only a part is here (questions without their passages) is counted as far as it is here. A
    file that cannot be read is reported, and the others are still counted.
    """
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError

    if not names and not all_present:
        raise UsageError("no collection named", remedy="name collections, or use --all-present")
    wanted = [member for name in names or () for member in registry.expand(name)]
    if all_present:
        wanted += [name for name in registry.names() if name not in wanted]
    records = [record for name in wanted for record in _counts(name)]
    broken = [record for record in records if record["error"]]
    counts = [record for record in records if not record["error"]]
    wrong = sum(not record["equal"] for record in counts)
    if json:
        say_json(records)
    else:
        rows = [
            (r["collection"], r["what"], r["expected"], r["found"], "" if r["equal"] else "DIFFERS") for r in counts
        ]
        say_columns(("collection", "what", "expected", "found", ""), rows)
        for record in broken:
            say(f"{record['collection']}: {record['error']}")
    counted = len({record["collection"] for record in counts})
    tell(f"{len(counts)} counts of {counted} collections, {wrong} differ")
    if broken:
        tell(f"{len(broken)} collections cannot be read")
    absent = [name for name in wanted if name not in {record["collection"] for record in records}]
    if absent and not all_present:
        tell(f"nothing to count here of {', '.join(absent[:3])}{' …' if len(absent) > 3 else ''}")
    if wrong or broken:
        raise typer.Exit(1)


def _counts(name: str) -> list[dict[str, Any]]:
    """One record per count of a collection, or one that says why it cannot be read; none where it is not here."""
    from lapca_bench.collections import registry
    from lapca_bench.errors import LapcaError, MissingResourceError

    nothing = {"collection": name, "what": "", "expected": None, "found": None, "equal": False, "error": ""}
    try:
        return [
            {**nothing, "what": c.what, "expected": c.expected, "found": c.found, "equal": c.equal}
            for c in registry.check(name)
        ]
    except MissingResourceError:
        return []
    except LapcaError as error:
        return [{**nothing, "error": str(error)}]


@app.command(epilog="Example: lapca-bench collections export help-pages/de-en --qrels de-en.qrels")
def export(
    name: Name,
    split: Annotated[str | None, typer.Option(help="The split (default: the collection's own).")] = None,
    qrels: Annotated[Path | None, typer.Option(help="Write the judgements here, in TREC format.")] = None,
    queries: Annotated[
        Path | None, typer.Option(help="Write the queries here (id, language, text; tab-separated).")
    ] = None,
    documents: Annotated[Path | None, typer.Option(help="Write the documents here, as JSON lines.")] = None,
) -> None:
    """Write a collection's judgements, queries or documents as files that other tools read."""
    from lapca_bench.collections import registry
    from lapca_bench.errors import UsageError
    from lapca_bench.experiment.export import export_documents, export_qrels, export_queries

    if qrels is None and queries is None and documents is None:
        raise UsageError("nothing to write", remedy="give --qrels, --queries or --documents a file name")
    collection = registry.load(name, split)
    if qrels is not None:
        export_qrels(collection, qrels)
        tell(f"wrote {qrels}")
    if queries is not None:
        export_queries(collection, queries)
        tell(f"wrote {queries}")
    if documents is not None:
        export_documents(collection, documents)
        tell(f"wrote {documents}")
