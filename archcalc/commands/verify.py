"""`archcalc verify`."""

import sys
import time
from typing import TYPE_CHECKING

import click

from archcalc import formats
from archcalc.commands._common import (
    FOUND,
    OK,
    USAGE,
    deliver,
    examine_spec,
    look_for,
    print_findings,
    refuse_overwriting,
)
from archcalc.commands._options import (
    MemorySize,
    batch_option,
    dtype_option,
    format_option,
    output_option,
    seed_option,
    spec_argument,
    spec_options,
)

if TYPE_CHECKING:
    from archcalc.forward.run import Array
    from archcalc.verification.verify import Progress


@click.command()
@spec_argument()
@format_option("verify")
@output_option()
@batch_option(1)
@dtype_option(("float32", "float64"), "float32")
@seed_option()
@click.option("--image", metavar="FILE.npy", help="Values to read, [H, W, C] or [N, H, W, C], instead of random ones.")
@click.option(
    "--max-memory",
    type=MemorySize(),
    default="2GiB",
    show_default=True,
    help="Refuse a network whose arrays need more, before anything is allocated.",
)
@click.option("--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="End the run after this.")
@click.option(
    "--against", type=click.Choice(["torch"]), help="Compare every layer's values, too; needs archcalc[torch]."
)
@spec_options
def verify(
    spec: str,
    form: str,
    path: str | None,
    batch: int,
    dtype: str,
    seed: int,
    image: str | None,
    max_memory: int,
    timeout: float | None,
    against: str | None,
    variables: tuple[str, ...],
    input_size: str | None,
) -> int:
    """Execute the network in NumPy and compare every layer with what is predicted.

    Shapes come from slicing padded arrays, weights are made layer by layer, multiply-accumulates are counted
    from the operands, memory is measured while it is used.  Exits 1 if anything is not as predicted, or if the
    run was refused (--max-memory) or ended (--timeout).
    """
    refuse_overwriting({"--output": path}, {spec: "the spec itself"})
    found = examine_spec(spec, variables, input_size, runs=True)
    if found is None:
        return USAGE
    print_findings(found)
    if not found.fits:
        return FOUND

    architecture = found.architecture
    try:
        result = architecture.verify(
            batch=batch,
            dtype=dtype,
            seed=seed,
            image=_load(image) if image else None,
            max_memory=max_memory,
            timeout=timeout,
            against=against or "",
            progress=_progress() if sys.stderr.isatty() else None,
        )
    except ImportError as error:
        if error.name == "numpy":
            raise
        raise click.UsageError(
            f"--against torch needs the torch extra, pip install 'archcalc[torch]' ({error})"
        ) from None
    except ValueError as error:
        raise click.UsageError(f"--image: {error}") from None
    if code := deliver(formats.renderer("verify", form)(result, look_for(path)), path):
        return code
    return OK if result.ok and found.ok else FOUND


def _load(path: str) -> "Array":
    """The image, mapped into memory rather than read: its shape is judged first."""
    import numpy as np

    from archcalc.files import shown_path

    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "not a .npy file of numbers"
        raise click.UsageError(f"--image: cannot read {shown_path(path)}: {reason}") from None
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biuf":
        raise click.UsageError(f"--image: cannot read {shown_path(path)}: not a .npy file of numbers")
    return found


def _progress() -> "Progress":
    """A line on the terminal that shows how far a long run has come, and is gone afterwards."""
    started = time.monotonic()

    def show(done: int, total: int, name: str) -> None:
        if time.monotonic() - started > 1:
            line = f"{done:,} of {total:,} layers, {name}" if done < total else ""
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()

    return show
