"""`lapca-bench systems`: what can search, whether it runs here, whether it is sound."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lapca_bench.cli.options import RunCode
from lapca_bench.cli.output import Json, say, say_columns, say_json, tell

app = typer.Typer(help="List, describe and check systems.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[
    str,
    typer.Argument(help="A system, such as me5-small-q4, the path of a card, a folder of weights, or hub:owner/name."),
]


@app.command("list", epilog="Example: lapca-bench systems list --runnable")
def list_(
    kind: Annotated[str | None, typer.Option(help="Only systems of this kind, such as dense or bm25.")] = None,
    runnable: Annotated[bool, typer.Option("--runnable", help="Only systems that run on this machine.")] = False,
    json: Json = False,
) -> None:
    """List the systems: kind, languages, what each is not zero-shot on, and whether it runs here or why not."""
    from lapca_bench.search import registry

    records = [_record(name) for name in registry.cards()]
    records = [r for r in records if kind in (None, r["kind"]) and (r["runnable"] or not runnable)]
    if json:
        say_json(records)
        return
    rows = [
        (
            r["name"],
            r["kind"],
            _languages(r["languages"]),
            " ".join(family for family, zero_shot in r["zero_shot"].items() if not zero_shot) or "-",
            "yes" if r["runnable"] else "no",
            r["reason"],
        )
        for r in records
    ]
    say_columns(("system", "kind", "languages", "not zero-shot on", "runs", "why not"), rows)


def _languages(codes: list[str]) -> str:
    text = " ".join(codes)
    if codes == ["*"]:
        return "any"
    return text if len(text) <= 24 else f"{len(codes)} languages"


def _record(name: str) -> dict[str, Any]:
    from lapca_bench.collections.registry import families
    from lapca_bench.search import registry
    from lapca_bench.search.card import saw

    card, status = registry.find_card(name), registry.status(name)
    return {
        "name": card.name,
        "title": card.title,
        "kind": card.kind,
        "languages": list(card.languages),
        "trained_on": list(card.trained_on),
        "zero_shot": {family: not saw(card.trained_on, family) for family in families()},
        "licence": card.licence,
        "runnable": status.ok,
        "reason": status.reason,
    }


@app.command(epilog="Example: lapca-bench systems info me5-small-q4")
def info(name: Name, json: Json = False) -> None:
    """Describe one system: its card, and whether it runs on this machine."""
    from lapca_bench.search import registry

    card = registry.find_card(name)
    record = {**card.model_dump(mode="json", exclude_none=True), **_record(name)}
    if json:
        say_json(record)
        return
    say(card.name)
    for key, value in record.items():
        if key == "name" or value in ("", [], None):
            continue
        if isinstance(value, dict):
            say(f"  {key}")
            for inner, item in value.items():
                say(f"    {inner:<23} {item}")
        else:
            say(f"  {key:<25} {' '.join(map(str, value)) if isinstance(value, list) else value}")


@app.command(epilog="Example: lapca-bench systems new ./my-model -o my-model.toml")
def new(
    name: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="A folder of weights, owner/name on the hub, or file.py:Class."),
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The card to write (default: print it).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a card that is there.")] = False,
) -> None:
    """Write the card of a model as its files state it, with comments, ready to be edited."""
    from lapca_bench.atomic import write_text
    from lapca_bench.errors import UsageError
    from lapca_bench.search.drafts.new_card import new_card_text

    if out is not None and out.exists() and not force:
        raise UsageError("this file is there", path=out, remedy="name another, or write over it with --force")
    text = new_card_text(name, Path() if out is None else out.parent)
    if out is None:
        say(text.rstrip("\n"))
        return
    write_text(out, text)
    tell(f"wrote {out}; look at licence, languages and trained_on; then lapca-bench run --system {out}")


@app.command(epilog="Example: lapca-bench systems check me5-small-q4")
def check(name: Name, run_code: RunCode = False, json: Json = False) -> None:
    """Check a system: tokens, unknown tokens, batch invariance, identity, prompts; exit 1 if something is unsound."""
    from dataclasses import asdict

    from lapca_bench.experiment.diagnosis import check_system
    from lapca_bench.experiment.systems import refuse_foreign_code

    if not run_code:
        refuse_foreign_code(name)
    findings = check_system(name)
    if json:
        say_json([asdict(finding) for finding in findings])
    else:
        say_columns(
            ("", "check", "language", "found"),
            [(finding.outcome, finding.check, finding.language, finding.detail) for finding in findings],
        )
    if any(finding.outcome == "failed" for finding in findings):
        raise typer.Exit(1)


@app.command(epilog="Example: lapca-bench systems tokens me5-small-q4 --collection xquad-r/mixed")
def tokens(
    name: Name,
    collection: Annotated[
        list[str], typer.Option("--collection", "-c", help="A collection or group whose texts are tokenised.")
    ],
    limit: Annotated[int, typer.Option(min=1, help="Texts of each side and language looked at.")] = 1000,
    run_code: RunCode = False,
    json: Json = False,
) -> None:
    """Tokenizer health by language: unknown tokens, tokens per character, share of texts that are cut."""
    from dataclasses import asdict

    from lapca_bench.collections import registry
    from lapca_bench.experiment.systems import refuse_foreign_code
    from lapca_bench.experiment.tokens import token_health
    from lapca_bench.search.registry import build_system

    if not run_code:
        refuse_foreign_code(name)
    system = build_system(name)
    members = [member for one in collection for member in registry.expand(one)]
    found = {member: token_health(system, registry.load(member), limit) for member in members}
    if json:
        say_json({member: [asdict(health) for health in rows] for member, rows in found.items()})
        return
    say_columns(
        ("collection", "side", "language", "texts", "unknown", "tokens per character", "cut"),
        [
            (
                member,
                health.side,
                health.language,
                health.texts,
                f"{health.unknown_rate:.2%}",
                f"{health.tokens_per_character:.3f}",
                f"{health.truncated_share:.1%}",
            )
            for member, rows in found.items()
            for health in rows
        ],
    )
