"""`lapca-bench doctor`: what on this machine would stop the work, and the remedy."""

from __future__ import annotations

from dataclasses import asdict

import typer

from lapca_bench.cli.output import Json, say, say_columns, say_json


def doctor(json: Json = False) -> None:
    """Look for problems on this machine, each with its remedy.

    Looks at Python, packages, Java, threads, cache, data and systems. Exit code 1 if something stops all work; what is
    merely missing (an extra that is not installed) does not.
    """
    from lapca_bench.experiment.diagnosis import diagnose

    findings = list(diagnose())
    broken = [finding for finding in findings if finding.state == "broken"]
    if json:
        say_json([asdict(finding) for finding in findings])
    else:
        say_columns(("", "what", "found"), [(finding.state, finding.what, finding.detail) for finding in findings])
        remedies = [finding for finding in findings if finding.remedy]
        if remedies:
            say()
            say("To mend, or to have more:")
            say_columns(("what", "remedy"), [(finding.what, finding.remedy) for finding in remedies])
    if broken:
        raise typer.Exit(1)
