"""`lapca-bench`: the verbs put together, and every way to end turned into one message and an exit code.

Exit codes: 0 done, 1 some work failed, 2 the request was wrong, 130 interrupted (143 by SIGTERM).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

import typer

from lapca_bench.cli import (
    ablate,
    bias,
    bitext,
    board,
    cache,
    collections,
    compare,
    delta,
    doctor,
    encode,
    experiments,
    export,
    fetch,
    finetune,
    heads,
    mine,
    plan,
    plot,
    pretrain,
    published,
    quickstart,
    reproduce,
    run,
    score,
    search,
    submit,
    systems,
    table,
    tune,
)
from lapca_bench.errors import Interrupted, LapcaError
from lapca_bench.extras import lacking_extra
from lapca_bench.redaction import redacted
from lapca_bench.visible import visible_lines

app = typer.Typer(
    name="lapca-bench",
    help="Evaluate cross-lingual and multilingual retrieval: encode, search, score, compare.",
    epilog="Start with: lapca-bench quickstart",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
# In the order in which help lists them: verbs with an example, and groups, whose verbs bring examples of their own.
VERBS: tuple[tuple[Callable[..., None], str] | tuple[str, typer.Typer], ...] = (
    (quickstart.quickstart, "quickstart --out first"),
    (run.run, "run --system bm25 --encoder mine.py:MyEncoder --collection help-pages/de-en"),
    (table.table, "table --collection help-pages/xx-en --measure nDCG@10 --format latex"),
    (compare.compare, "compare first.run second.run --qrels qrels.txt --measure nDCG@10 --pairs"),
    (score.score, "score my.run qrels.txt --measure nDCG@10 --measure RR@10"),
    (bias.bias, "bias --collection xquad-r/mixed --system me5-small-q4"),
    (bitext.bitext, "bitext --system me5-small-q4 --collection tatoeba/lapca-14"),
    (search.search, "search --system bm25 --collection help-pages/de-en --out bm25.run"),
    (tune.tune, "tune --system bm25 --collection help-pages/de-en --split train --out bm25-tuned.toml"),
    (plan.plan, "plan --system me5-small-q4 --collection xor-retrieve --machines 4"),
    (encode.encode, "encode --system me5-small-q4 --collection help-pages/xx-en"),
    (export.export, "export --collection help-pages/xx-en --out trec"),
    ("collections", collections.app),
    ("systems", systems.app),
    ("experiments", experiments.app),
    (fetch.fetch, "fetch --experiment demo"),
    ("published", published.app),
    (reproduce.reproduce, "reproduce xquad-retrieval-me5 --format markdown"),
    ("board", board.app),
    ("plot", plot.app),
    (submit.submit, "submit lapca-results --out my-encoder.parquet"),
    (mine.mine, "mine --corpus help-pages --out pairs.parquet"),
    ("heads", heads.app),
    (pretrain.pretrain, "pretrain --pairs pairs.parquet --out lapca-small"),
    (finetune.finetune, "finetune --recipe stage-a --questions biencoder-nq-train.json --out stage-a"),
    (ablate.ablate, "ablate --plan small --out ablations"),
    (delta.delta, "delta lapca-small/step-0000200 --out lapca-small-delta"),
    ("cache", cache.app),
    (doctor.doctor, "doctor"),
)
for first, second in VERBS:
    if isinstance(second, typer.Typer):
        app.add_typer(second, name=str(first))
    elif callable(first):
        app.command(epilog=f"Example: lapca-bench {second}")(first)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"lapca-bench {version('lapca-bench')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    del version  # its callback has printed it


GRACE = 20  # seconds that a process may take to end once it was told to


def _interrupt(signum: int, _frame: FrameType | None) -> None:
    """End by an exception; where that is lost (in a callback of a library without memory), by the system.

    Whatever is on disk is whole or absent then too.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(GRACE)
    raise Interrupted(signum)


def _open_what_is_closed() -> None:
    """A stream that the shell closed (`>&-`) leads nowhere: else the next file that is opened would be taken for it."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this stream's
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", errors="replace", closefd=False))


def main() -> None:
    """Run the command line and exit with its code."""
    _open_what_is_closed()
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        try:
            app(prog_name="lapca-bench")
        finally:
            sys.stdout.flush()  # here, where it is told, if the output cannot be written
    except LapcaError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except ImportError as error:
        lacking = lacking_extra(error)
        if lacking is None:
            raise
        _say(f"error: {lacking}")
        sys.exit(lacking.exit_code)
    except (Interrupted, KeyboardInterrupt) as stop:
        _say("interrupted; finished work is kept; run the same command again to go on")
        sys.exit(128 + (stop.signum if isinstance(stop, Interrupted) else signal.SIGINT))
    except BrokenPipeError:
        _leave_output(0)
    except OSError as error:
        place = error.filename or "standard output"
        _tell(f"error: {place}: {error.strerror or error}\n  fix: check the path, its permissions and the disk's space")
        _leave_output(1)
    except UnicodeEncodeError as error:
        _say(
            f"error: this terminal cannot show {error.object[error.start : error.end]!r}\n  fix: PYTHONIOENCODING=utf-8"
        )
        sys.exit(1)


def _say(message: str) -> None:
    sys.stdout.flush()
    _tell(message)


def _tell(message: str) -> None:
    print(visible_lines(redacted(message)), file=sys.stderr)  # noqa: T201 - the one place where errors meet the user


def _leave_output(code: int) -> None:
    """The reader of our output (`| head`) has gone, or its disk is full: keep Python from flushing it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
