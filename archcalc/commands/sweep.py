"""`archcalc sweep`."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from archcalc import formats
from archcalc.commands._common import FOUND, OK, USAGE, deliver, look_of, refuse_overwriting
from archcalc.commands._options import format_option, output_option, seed_option, spec_argument

if TYPE_CHECKING:
    from archcalc.variants.sweeping.sweep import Sweep

CLOUD = 2_000  # networks that a picture shows beside those that were kept
EVERY = 0.5  # seconds between lines of progress


@click.command()
@spec_argument()
@click.option("--vary", multiple=True, metavar="NAME=VALUES", help="What varies: 16..256:8, or 3,5,7, or 4*$width.")
@click.option("--where", multiple=True, metavar="CONDITION", help="What a network must satisfy: params <= 5M.")
@click.option("--pareto", default="", metavar="FIGURES", help="Keep the front of these: params,macs,depth:max.")
@click.option("--best", default="", metavar="FIGURES", help="Keep the best by these, one after the other: macs:max.")
@click.option("--top", type=click.IntRange(1), metavar="N", help="Show the first N lines of a sorted table.")
@click.option(
    "--figures", default="", metavar="FIGURES", help="Show these, and those asked for.  [default: params,macs]"
)
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Take so many networks of the space, not all.")
@click.option(
    "--sampling",
    type=click.Choice(["random", "lhs"]),
    help="How a sample is taken: each at random, or as a Latin hypercube.  [default: random]",
)
@seed_option()
@click.option("--workers", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes to compute on.")
@click.option("--scheduler", metavar="ADDRESS", default="", help="Compute on the Dask cluster of this scheduler.")
@click.option("--resume", metavar="FILE", default="", help="Keep the state in FILE, and go on from what it has.")
@format_option("sweep")
@output_option()
def sweep(spec: str, form: str, path: str | None, workers: int, scheduler: str, resume: str, **wishes: Any) -> int:
    """Compute all networks that a spec's variables make, and print the best of them.

    The figures are those of `archcalc report` and `archcalc plan`, computed for thousands of networks at a time.  How many
    there are is printed first; a network that does not fit together is counted by what is wrong with it.  An interruption
    prints what was found so far; with --resume the same command goes on.  What is not said here is the spec's, under `sweep:`.
    A FILE that ends with .yaml gets the spec of the best network, others the result as their ending says.

    Exits 1 where no network satisfies the conditions.
    """
    from archcalc.diagnostics import SpecError
    from archcalc.language.specfile import SpecUnavailable

    form = _form(form, path)
    module = formats.module("sweep", form)
    if getattr(module, "BINARY", False) and path in (None, "-"):
        raise click.UsageError(f"{form} is no text for a terminal; name a file with --output")
    wishes["cloud"] = CLOUD if getattr(module, "CLOUD", False) else 0
    refuse_overwriting({"--output": path, "--resume": resume or None}, {spec: "the spec itself"})
    try:
        found = _sweep(spec, wishes)
    except SpecError as error:
        _explain(error, wishes)
        return USAGE if error.path.startswith("--") else FOUND
    except SpecUnavailable as error:
        click.echo(f"archcalc: {error}", err=True)
        return USAGE
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    expected = found.expected
    count = f"{found.count:,} network{'s' * (found.count != 1)}"
    click.echo(f"{count}, {expected:,} structure{'s' * (expected != 1)}" + _sampled(found), err=True)
    result = found.result(
        _progress() if sys.stderr.isatty() else None, workers=workers, resume=resume, scheduler=scheduler
    )
    if not result.complete:
        go_on = f"; --resume {resume} goes on" if resume else ""
        click.echo(f"interrupted after {result.tally.networks:,} of {found.count:,} networks{go_on}", err=True)
    code = deliver(module.render(result, look_of(sys.stdout)), path)
    return code or (130 if not result.complete else OK if result.tally.fitting else FOUND)


def _form(form: str, path: str | None) -> str:
    """The format that a file's name asks for, where none was asked for: best.yaml is the spec of the best network."""
    ending = (path or "").rpartition(".")[2].lower()
    ending = {"yml": "yaml", "htm": "html"}.get(ending, ending)
    return ending if form == "table" and ending in formats.names("sweep") else form


def _sweep(spec: str, wishes: dict[str, Any]) -> "Sweep":
    from archcalc.variants.sweeping.request import Wish, request
    from archcalc.variants.sweeping.sweep import Sweep

    return Sweep(request(spec, Wish(**wishes)))


def _sampled(found: "Sweep") -> str:
    whole, points = found.request.space.size, found.request.points
    return "" if points.sampling == "grid" else f", a sample ({points.sampling}, seed {points.seed}) of {whole:,}"


def _explain(error: Any, wishes: dict[str, Any]) -> None:
    """What is wrong with an option, below its text; or with the spec."""
    from archcalc.formats.check.text import finding

    given = wishes.get(error.path.removeprefix("--"), ())
    lines = (given,) if isinstance(given, str) else tuple(given)
    for one in error.diagnostics:
        sys.stderr.write(finding(error.path, one, lines, look_of(sys.stderr)))


def _progress() -> Callable[["Sweep"], None]:
    """A line on a terminal's stderr: how far, how fast, how long still."""
    last = time.monotonic()

    def show(sweep: "Sweep") -> None:
        nonlocal last
        now, done = time.monotonic(), sweep.computed
        if done == sweep.count:
            sys.stderr.write("\r\x1b[K")
        elif now - last >= EVERY and sweep.state.tally:
            last = now
            rate = (done - sweep.resumed) / max(now - sweep.began, 1e-9)
            left = _clock(int((sweep.count - done) / max(rate, 1e-9)))
            text = (
                f"{done * 100 // sweep.count}%  {rate:,.0f} networks/s  {left} left  {sweep.state.tally.fitting:,} fit"
            )
            sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    return show


def _clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
