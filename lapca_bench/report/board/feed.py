"""Boards for programs: every board as JSON, a feed of what was measured, and what changed since earlier builds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree

from lapca_bench.digest import digest_value
from lapca_bench.parsing import json_value
from lapca_bench.report.board.data import provenance_key
from lapca_bench.report.board.model import Board, Entry, Standing
from lapca_bench.report.board.site import slug
from lapca_bench.store.results import StoredResult
from lapca_bench.visible import visible

SNAPSHOT = "boards.json"
HISTORY = "history"
ENTRIES = 100  # of the feed
LARGEST = 64 * 1024**2  # of a snapshot that is read again


def board_json(board: Board) -> str:
    """A board with all its scores, as fractions and unrounded."""
    return _text(
        {
            "name": board.name,
            "title": board.title,
            "collection": board.collection,
            "split": board.split,
            "protocol": board.protocol,
            "measures": list(board.measures),
            "tasks": [{"key": t.key, "language": t.language, "queries": t.queries} for t in board.tasks],
            "systems": [_entry(board, entry) for entry in board.entries],
            "notes": list(board.notes),
        }
    )


def _entry(board: Board, entry: Entry) -> dict[str, Any]:
    standings = {measure: entry.standings.get(measure, Standing()) for measure in board.measures}
    return {
        "system": entry.system,
        "kind": entry.kind,
        "setting": entry.setting,
        "origin": entry.origin,
        "results": {result.collection: result.key for result in entry.results},
        "means": {measure: entry.macro(measure, board.tasks) for measure in board.measures},
        "ranks": {measure: standing.rank for measure, standing in standings.items()},
        "scores": {
            measure: {key: score.mean for (of, key), score in entry.scores.items() if of == measure}
            for measure in board.measures
        },
    }


def snapshot(boards: Sequence[Board], built: Mapping[str, str]) -> dict[str, Any]:
    """What stands on every board: its measured systems with results and means; `built` says as of when and by what."""
    return {
        **built,
        "boards": {
            board.name: {
                "title": board.title,
                "page": f"boards/{slug(board.name)}.html",
                "systems": {
                    entry.system: {
                        "results": {result.collection: result.key for result in entry.results},
                        "means": {measure: entry.macro(measure, board.tasks) for measure in board.measures},
                    }
                    for entry in board.entries
                    if entry.origin == "measured"
                },
            }
            for board in boards
        },
    }


def earlier(site: Path) -> list[dict[str, Any]]:
    """The snapshots that an earlier build left in its folder, newest first; what cannot be read is left out."""
    found = []
    for path in [*sorted((site / HISTORY).glob("*.json")), site / SNAPSHOT]:
        try:
            value = json_value(path.read_bytes()) if path.stat().st_size <= LARGEST else None
        except (OSError, ValueError):
            continue
        if isinstance(value, dict) and isinstance(value.get("as_of"), str) and isinstance(value.get("boards"), dict):
            found.append(value)
    return sorted(found, key=lambda one: str(one["as_of"]), reverse=True)


def versions(now: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The files of this snapshot and of earlier ones that say something else, by path."""
    kept = {_name(one): _text(one) for one in before if one["boards"] != now["boards"]}
    return {SNAPSHOT: _text(now), **kept}


def _name(one: Mapping[str, Any]) -> str:
    return f"{HISTORY}/{slug(str(one['as_of'])[:10])}-{digest_value(one)[:8]}.json"


def changes(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """What changed from one snapshot to another, a sentence each."""
    told = []
    for name, board in now["boards"].items():
        old = _systems(before["boards"].get(name))
        new = _systems(board)
        title = str(board["title"])
        if name not in before["boards"]:
            told.append(f"{title}: a new board of {len(new)} measured systems")
            continue
        told += [f"{title}: new: {system}" for system in new if system not in old]
        told += [f"{title}: gone: {system}" for system in old if system not in new]
        told += [line for system in new if system in old for line in _moved(title, system, old[system], new[system])]
    told += [f"{board['title']}: gone" for name, board in before["boards"].items() if name not in now["boards"]]
    return told


def _systems(board: Any) -> dict[str, Any]:
    found = board.get("systems") if isinstance(board, dict) else None
    return found if isinstance(found, dict) else {}


def _moved(title: str, system: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    for measure, mean in new["means"].items():
        was = old.get("means", {}).get(measure)
        if was != mean:
            return [f"{title}: {system}: {measure} {_percent(was)} → {_percent(mean)}"]
    return [f"{title}: {system}: measured again, means alike"] if old.get("results") != new["results"] else []


def _percent(value: object) -> str:
    return f"{100 * value:.2f}" if isinstance(value, int | float) else "no mean"


def atom(results: Sequence[StoredResult], as_of: str) -> str:
    """An Atom feed (RFC 4287) of the newest measured results; its links are relative to the site."""
    feed = ElementTree.Element("feed", xmlns="http://www.w3.org/2005/Atom")
    _add(feed, "title", "lapca-bench leaderboards")
    _add(feed, "id", f"urn:uuid:{uuid5(NAMESPACE_URL, 'lapca-bench leaderboards')}")
    _add(feed, "updated", _moment(as_of))
    ElementTree.SubElement(feed, "link", rel="alternate", href="index.html")
    _add(ElementTree.SubElement(feed, "author"), "name", "lapca-bench board build")
    for result in sorted(results, key=lambda one: one.provenance.finished, reverse=True)[:ENTRIES]:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "title", f"{result.system} on {result.collection} ({result.split})")
        _add(entry, "id", f"urn:uuid:{uuid5(NAMESPACE_URL, f'{result.system} {result.key}')}")
        _add(entry, "updated", _moment(result.provenance.finished))
        href = f"systems/{slug(result.system)}.html#{provenance_key(result)}"
        ElementTree.SubElement(entry, "link", rel="alternate", href=href)
        means = [
            f"{a['measure']} {100 * a['mean']:.1f}" for a in result.aggregates if a["language"] == "*" and a["mean"]
        ]
        _add(entry, "summary", ", ".join(means) or "no mean")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(feed, encoding="unicode") + "\n"


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = visible(text)


def _moment(text: str) -> str:
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return "1970-01-01T00:00:00+00:00"


def _text(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False, sort_keys=True) + "\n"
