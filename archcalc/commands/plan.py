"""`archcalc plan`."""

from typing import Any

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
    budget_option,
    dtype_option,
    format_option,
    inplace_option,
    output_option,
    spec_argument,
    spec_options,
)
from archcalc.precision import OPTIMIZERS, PRECISIONS


@click.command()
@spec_argument()
@format_option("plan")
@output_option()
@batch_option(None, most=True)
@dtype_option(PRECISIONS, None)
@click.option("--optimizer", type=click.Choice([*OPTIMIZERS]), help="What trains, and keeps state for it.")
@budget_option()
@click.option(
    "--for",
    "purpose",
    type=click.Choice(["training", "inference"]),
    default="training",
    show_default=True,
    help="What has to fit the budget.",
)
@click.option(
    "--convention",
    type=click.Choice(["pytorch", "arena", "cs231n"]),
    default="pytorch",
    show_default=True,
    help="As PyTorch holds it; inference as a runtime that reuses memory; every activation kept and doubled.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), help="Where it runs.  [default: cpu]")
@click.option(
    "--weight-decay/--no-weight-decay", default=None, help="Decay the weights, which some optimizers do on a copy."
)
@click.option(
    "--foreach", "implementation", flag_value="foreach", help="Step on all parameters at once (CUDA's default)."
)
@click.option("--fused", "implementation", flag_value="fused", help="Step in one kernel.")
@click.option("--loop", "implementation", flag_value="loop", help="Step on one parameter after the other (the CPU's).")
@click.option(
    "--accumulate",
    type=click.IntRange(1, 2**31 - 1),
    metavar="K",
    help="Passes before a step, each of --batch images.  [default: 1]",
)
@click.option(
    "--keep-gradients/--drop-gradients",
    default=None,
    help="Whether gradients are set to zero after a step, not to None.  [default: drop]",
)
@click.option("--average/--no-average", default=None, help="Keep a moving average of the parameters, too (EMA).")
@click.option("--gpus", type=click.IntRange(1, 2**31 - 1), help="Devices, of --batch images each.  [default: 1]")
@click.option("--shard", type=click.IntRange(0, 3), help="ZeRO's stage on several; 3 is FSDP.  [default: 0]")
@click.option(
    "--bucket-views/--no-bucket-views", default=None, help="Gradients are views of the buckets they are sent in."
)
@click.option(
    "--headroom",
    type=click.IntRange(0, 90),
    metavar="PERCENT",
    help="Of the budget, to leave for what is not counted.  [default: 10 on cuda, else 0]",
)
@click.option("--context", type=MemorySize(), default=0, help="What the driver takes of the budget, like 400MiB.")
@click.option("--layers", is_flag=True, help="Show what each layer takes, too (table).")
@inplace_option()
@spec_options
def plan(
    spec: str,
    form: str,
    path: str | None,
    batch: int | str | None,
    budget: int | None,
    variables: tuple[str, ...],
    input_size: str | None,
    layers: bool,
    **options: Any,
) -> int:
    """Print the memory that inference and training need, and what fits.

    What is not given here of batch, dtype, optimizer and how they train is the spec's, under `training:`; then a batch of 1,
    float32 and sgd-momentum; of the dtypes mixed_ ones have float32 parameters.  --batch max is the most that fits
    --budget.  With --budget, exits 1 when it does not suffice, and says what it would take.

    SPEC may be torch:package.module:factory, a PyTorch model; that code then runs on this machine.

    A training step is forward, loss, backward and the optimizer's step, in the steady state; what it needs is the
    most that is alive at once.  Not counted: an allocator's rounding and fragments, workspaces of convolution
    libraries, the driver's own memory.
    """
    if batch == "max" and budget is None:
        raise click.UsageError("--batch max needs --budget, the memory that is to be filled")
    refuse_overwriting({"--output": path}, {spec: "the spec itself"})
    found = examine_spec(spec, variables, input_size, runs=True)
    if found is None:
        return USAGE
    print_findings(found)
    if not found.fits:
        return FOUND

    architecture = found.architecture
    try:
        planned = architecture.plan(batch=batch, budget=budget, **options)  # type: ignore[arg-type]
    except ValueError as error:  # options that exclude each other
        raise click.UsageError(str(error)) from None
    code = deliver(formats.renderer("plan", form)(planned, look_for(path)._replace(layers=layers)), path)
    if code:
        return code
    return OK if found.ok and (planned.budget is None or planned.budget.fits) else FOUND
