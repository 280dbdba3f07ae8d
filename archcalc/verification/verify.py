"""The network executed in NumPy, layer by layer, against what the analysis says.

Memory is estimated first, from the report alone; a network that needs more than allowed is refused before
NumPy is imported.  Inputs, weights and results count, and so does the workspace of the layer in work.
"""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from archcalc import units
from archcalc.analysis.analyze import Report, Row
from archcalc.forward.tiling import RESERVED
from archcalc.memory.liveness import lifetimes, overwrites, peak
from archcalc.precision import PRECISIONS
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.forward.run import Array, Run

MAX_MEMORY = 2 * 1024**3
TOLERANCE = 50  # a measured peak may differ from the predicted one by a 50th, 2%

Progress = Callable[[int, int, str], None]  # layers done, layers, the layer in work
Compare = Callable[["Row", "tuple[Array, ...]", "list[Array]", "Array"], str]  # "" or what differs


class Counts(NamedTuple):
    """What is counted twice: by the analysis, and from the arrays that were really there."""

    weights: int
    biases: int
    buffers: int
    macs: int  # for one image
    im2col: tuple[int, int] | None


class Executed(NamedTuple):
    """One layer's verdict.  `executed` and `counted` are None where it could not be executed."""

    row: Row
    predicted: Volume
    expected: Counts
    executed: Volume | None
    counted: Counts | None
    seconds: float  # of the forward pass, without making weights
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


class Estimate(NamedTuple):
    """The peak of memory by liveness: where, and what of it are weights and workspace of that layer."""

    size: int
    row: Row
    weights: int
    workspace: int


class Verification(NamedTuple):
    """The run's results.  `problem` says why it was refused or ended early; `layers` goes as far as it came."""

    report: Report
    batch: int
    dtype: str
    seed: int
    estimate: Estimate
    layers: tuple[Executed, ...] = ()
    problem: str = ""
    forward_seconds: float = 0.0
    weights_seconds: float = 0.0
    measured_peak: int | None = None
    measured_activations_peak: int | None = None  # bytes of layers' values alone, held for layers to come
    against: str = ""  # what the values were compared with
    output: "Array | None" = None

    @property
    def ok(self) -> bool:
        return not self.problem and all(one.ok for one in self.layers)


def estimate(report: Report, batch: int = 1, dtype: str = "float32") -> Estimate:
    """The most memory the run needs at once.  Computes; allocates nothing."""
    width = PRECISIONS[dtype].activations
    weights = [width * (row.cost.params + row.cost.buffers) for row in report.rows]
    workspace = [width * row.node.layer.workspace(row.inputs, row.output, batch) for row in report.rows]
    sizes = [width * batch * row.output.size for row in report.rows]
    extra = [own + more for own, more in zip(weights, workspace, strict=True)]
    found = peak(lifetimes(report.graph, sizes), extra)
    at = found.step
    return Estimate(found.size + RESERVED, report.rows[at], weights[at], workspace[at])


def verify(
    report: Report,
    *,
    batch: int = 1,
    dtype: str = "float32",
    seed: int = 0,
    max_memory: int = MAX_MEMORY,
    timeout: float | None = None,
    image: "Array | None" = None,
    against: str = "",
    progress: Progress | None = None,
) -> Verification:
    """Execute a complete report's network.

    dtype: float32 or float64.  image: values [N, H, W, C] or [H, W, C] instead of random ones; N is the batch
    then.  against: "torch" compares every layer's values.  Raises ValueError for an image of another shape,
    ImportError where torch is not there.
    """
    assert report.complete, "a network that does not fit together cannot be executed"
    if image is not None:
        volume = report.input
        if image.shape[-3:] != (volume.height, volume.width, volume.channels) or image.ndim not in (3, 4):
            shape = "x".join(str(side) for side in image.shape)
            raise ValueError(f"the image is {shape}, but the network reads {_hwc(volume)} (height x width x channels)")
        image = image.reshape((-1, *image.shape[-3:]))
        batch = len(image)
    needed = estimate(report, batch, dtype)
    result = Verification(report, batch, dtype, seed, needed, against=against)
    if needed.size > max_memory:
        return result._replace(problem=_refusal(needed, max_memory))
    return _execute(result, timeout, image, progress)


def _execute(
    result: Verification, timeout: float | None, image: "Array | None", progress: Progress | None
) -> Verification:
    """Run the layers in order; end at the first whose shape is wrong, since what follows would only repeat it."""
    from archcalc.forward.run import Run, TimeIsUp

    report, rows = result.report, result.report.rows
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    run = Run(result.seed, result.dtype, batch=result.batch, image=image, deadline=deadline, keep=bool(result.against))
    compare = _comparison(result)
    inplace = overwrites(report.graph)
    last = {source: step for step, row in enumerate(rows) for source in (step, *row.node.inputs)}
    values: dict[int, Array] = {}
    layers: list[Executed] = []
    problem = ""
    drawing = 0.0
    held = 0
    row = rows[0]
    try:
        for step, row in enumerate(rows):
            if progress:
                progress(step, len(rows), row.node.name)
            run.begin(inplace=inplace[step])
            inputs = tuple(values[source] for source in row.node.inputs)
            executed, y = _layer(run, row, inputs, compare)
            del inputs
            layers.append(executed)
            drawing += run.weights_seconds
            if y is None or executed.executed != executed.predicted:
                break
            values[step] = y
            del y
            held = max(held, _bytes(values.values()))
            for source in {step, *row.node.inputs}:
                if last[source] == step < len(rows) - 1:
                    del values[source]
    except TimeIsUp:
        problem = f"the time limit of {timeout:g} s was reached in {row.node.name}"
    except MemoryError:
        problem = f"the machine has not enough memory for {row.node.name}"
    if progress:
        progress(len(rows), len(rows), "")
    measured, needed = run.peak, result.estimate.size
    if not problem and all(one.ok for one in layers) and abs(measured - needed) * TOLERANCE > needed:
        problem = f"the peak of memory was {units.size(measured)}, but {units.size(needed)} was predicted"
    return result._replace(
        layers=tuple(layers),
        problem=problem,
        forward_seconds=sum(one.seconds for one in layers),
        weights_seconds=drawing,
        measured_peak=measured,
        measured_activations_peak=held,
        output=values.get(len(rows) - 1),
    )


def _bytes(arrays: "Iterable[Array]") -> int:
    """Bytes of arrays that are alive, views counted as what they look at."""
    owners = {id(one): one for one in (array if array.base is None else array.base for array in arrays)}
    return sum(one.nbytes for one in owners.values())


def _layer(
    run: "Run", row: Row, inputs: "tuple[Array, ...]", compare: Compare | None
) -> "tuple[Executed, Array | None]":
    """Execute one layer and judge it."""
    import numpy as np

    from archcalc.forward.arrays import finite

    layer, cost = row.node.layer, row.cost
    expected = Counts(cost.weights, cost.biases, cost.buffers, cost.macs, None)
    before = tuple(x.copy() for x in inputs) if compare else ()
    started = time.perf_counter()
    try:
        with np.errstate(all="ignore"):  # what is not finite is said below, with the layer's name
            y = layer.forward(run, *inputs)
    except (ValueError, IndexError, NotImplementedError) as error:
        return Executed(row, row.output, expected, None, None, 0.0, (f"cannot be executed: {error}",)), None
    seconds = time.perf_counter() - started - run.weights_seconds
    images, height, width, channels = y.shape
    shape = Volume(width, height, channels)
    if run.columns:
        expected = expected._replace(im2col=row.im2col)
    drawn = run.drawn
    # a product's values are counted over all images; a rest is a mismatch as well
    macs, rest = divmod(run.macs, images)
    counted = Counts(drawn["weights"], drawn["biases"], drawn["buffers"], macs if not rest else -1, run.columns)
    problems = []
    if shape != row.output:
        problems.append(f"predicted {row.output}, executed {shape}")
    problems += [
        f"predicted {_shown(a)} {_WORDS[name]}, executed {_shown(b)}"
        for name, a, b in zip(Counts._fields, expected, counted, strict=True)
        if a != b
    ]
    if not (layer.infinite or finite(y)):
        problems.append("the result has values that are infinite or not a number")
    if compare and not problems:
        problems += filter(None, [compare(row, before, run.kept, y)])
    return Executed(row, row.output, expected, shape, counted, seconds, tuple(problems)), y


_WORDS = {"weights": "weights", "biases": "biases", "buffers": "buffers", "macs": "MACs", "im2col": "as im2col matrix"}


def _shown(value: int | tuple[int, int] | None) -> str:
    return f"{value:,}" if isinstance(value, int) else units.matrix(value) or "none"


def _comparison(result: Verification) -> Compare | None:
    if not result.against:
        return None
    from archcalc.verification.against import compare

    return compare


def _refusal(needed: Estimate, allowed: int) -> str:
    parts = [f"{units.size(size)} of {what}" for size, what in _parts(needed) if size]
    return (
        f"{needed.row.node.name} needs {units.size(needed.size)} ({', '.join(parts)}), "
        f"but at most {units.size(allowed)} is allowed"
    )


def _parts(needed: Estimate) -> list[tuple[int, str]]:
    others = needed.size - needed.weights - needed.workspace
    return [(needed.weights, "weights"), (needed.workspace, "workspace"), (others, "volumes")]


def _hwc(volume: Volume) -> str:
    return f"{volume.height}x{volume.width}x{volume.channels}"
