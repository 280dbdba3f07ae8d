"""The network executed in NumPy, layer by layer, against what the analysis says.

Memory is estimated first, from the report alone; a network that needs more than allowed is refused before
NumPy is imported.  Inputs, weights and results count, and so does the workspace of the layer in work.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from archcalc import units
from archcalc.analysis.analyze import Report, Row
from archcalc.forward.tiling import RESERVED
from archcalc.memory.liveness import Buffer, last_readers, lifetimes, overwrites, peak
from archcalc.precision import PRECISIONS
from archcalc.records import NamedTuple
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
    """One layer's verdict.  `executed` and `counted` are None where it could not be executed.

    `counted` alone is None for a layer whose figures are stated: its values were drawn.
    """

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
    outputs: "Mapping[str, Array]" = {}  # by the layers' names

    @property
    def output(self) -> "Array | None":
        """The values of the first output; None where it was not reached."""
        return self.outputs.get(self.report.outputs[0].node.name)

    @property
    def ok(self) -> bool:
        return not self.problem and all(one.ok for one in self.layers)


def estimate(report: Report, batch: int = 1, dtype: str = "float32") -> Estimate:
    """The most memory the run needs at once.  Computes; allocates nothing."""
    width = PRECISIONS[dtype].activations
    last = _last_borrowers(report)
    weights = [width * (row.cost.params + row.cost.buffers) for row in report.rows]
    workspace = [width * row.node.layer.workspace(row.inputs, row.output, batch) for row in report.rows]
    sizes = [width * batch * row.output.size for row in report.rows]
    lent = [Buffer(weights[lender], lender + 1, borrower) for lender, borrower in last.items()]
    extra = [own + more for own, more in zip(weights, workspace, strict=True)]
    found = peak([*lifetimes(report.graph, sizes), *lent], extra)
    at = found.step
    return Estimate(found.size + RESERVED, report.rows[at], weights[at], workspace[at])


def _last_borrowers(report: Report) -> dict[int, int]:
    """For every layer whose weights others use, the last of these."""
    return {row.node.shares: row.position for row in report.rows if row.node.shares is not None}


def verify(
    report: Report,
    *,
    batch: int = 1,
    dtype: str = "float32",
    seed: int = 0,
    max_memory: int = MAX_MEMORY,
    timeout: float | None = None,
    image: "Array | Mapping[str, Array] | None" = None,
    against: str = "",
    progress: Progress | None = None,
) -> Verification:
    """Execute a complete report's network.

    dtype: float32 or float64.  image: values [N, H, W, C] or [H, W, C] instead of random ones; N is the batch
    then; of several inputs a mapping by their names.  against: "torch" compares every layer's values.  Raises
    ValueError for an image of another shape, ImportError where torch is not there.
    """
    assert report.complete, "a network that does not fit together cannot be executed"
    images = {} if image is None else _images(report, image)
    batch = next(map(len, images.values()), batch)
    needed = estimate(report, batch, dtype)
    result = Verification(report, batch, dtype, seed, needed, against=against)
    if needed.size > max_memory:
        return result._replace(problem=_refusal(needed, max_memory))
    return _execute(result, timeout, images, progress)


def _images(report: Report, given: "Array | Mapping[str, Array]") -> "dict[str, Array]":
    """The inputs' values by name, each as a batch; ValueError where they are not what the network reads."""
    volumes = {row.node.name: row.output for row in report.inputs}
    arrays = given if isinstance(given, Mapping) else {next(iter(volumes)): given}
    if arrays.keys() != volumes.keys():
        raise ValueError(f"the network reads {', '.join(volumes)}, not {', '.join(arrays)}")
    found = {}
    for name, volume in volumes.items():
        image = arrays[name]
        if image.shape[-3:] != (volume.height, volume.width, volume.channels) or image.ndim not in (3, 4):
            shape = "x".join(str(side) for side in image.shape)
            what = "the image" if len(volumes) == 1 else name
            raise ValueError(f"{what} is {shape}, but the network reads {_hwc(volume)} (height x width x channels)")
        found[name] = image.reshape((-1, *image.shape[-3:]))
    if len({len(image) for image in found.values()}) > 1:
        raise ValueError("the inputs have different numbers of images")
    return found


def _execute(
    result: Verification, timeout: float | None, images: "dict[str, Array]", progress: Progress | None
) -> Verification:
    """Run the layers in order; end at the first whose shape is wrong, since what follows would only repeat it."""
    from archcalc.forward.run import Run, TimeIsUp

    report, rows = result.report, result.report.rows
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    run = Run(result.seed, result.dtype, batch=result.batch, deadline=deadline, keep=bool(result.against))
    compare = _comparison(result)
    inplace = overwrites(report.graph)
    last, borrowers = last_readers(report.graph), _last_borrowers(report)
    lent: dict[int, list[Array]] = {}
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
            shares = row.node.shares
            weights = () if shares is None else lent[shares]
            run.begin(inplace=inplace[step], lent=weights, lend=step in borrowers)
            run.image = images.get(row.node.name)
            inputs = tuple(values[source] for source in row.node.inputs)
            executed, y = _layer(run, row, inputs, compare)
            del inputs, weights
            layers.append(executed)
            if step in borrowers:
                lent[step] = run.kept
            elif shares is not None and borrowers[shares] == step:
                del lent[shares]
            run.kept = []
            drawing += run.weights_seconds
            if y is None or executed.executed != executed.predicted:
                break
            values[step] = y
            del y
            held = max(held, _bytes(values.values()))
            for source in {step, *row.node.inputs}:
                if last[source] == step:
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
        outputs={row.node.name: values[row.position] for row in report.outputs if row.position in values},
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
    if layer.stated:
        problems = [] if shape == row.output else [f"predicted {row.output}, executed {shape}"]
        return Executed(row, row.output, expected, shape, None, seconds, tuple(problems)), y
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
