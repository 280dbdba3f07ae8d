"""What the activations of a training step hold under PyTorch: the tensors autograd saves, and their gradients.

A tensor's memory is kept while a later layer reads it or, if a backward pass needs it, until that has run; memory
that several layers save counts once.  What each layer saves is declared with the layer (`Layer.kept`).
"""

from archcalc.memory.gradients import gradients
from archcalc.memory.liveness import Buffer
from archcalc.memory.moments import Moments
from archcalc.memory.operations import CAST, INDEX, Execution, Operation
from archcalc.memory.storages import storages
from archcalc.records import NamedTuple

SCALAR = 4  # bytes of the loss


class Retained(NamedTuple):
    """The memory of a training step's activations, by operation and as buffers over its moments.

    `saved` grows with the batch and is for one image, `fixed` (batch norm's statistics, weights in half precision) does not.  A
    tensor is put down to the operation that made it, whoever saves it.
    """

    execution: Execution
    saved: tuple[int, ...]
    fixed: tuple[int, ...]
    targets: int  # bytes of the classes of one image, which the loss compares with
    output_buffers: tuple[Buffer, ...]
    extra_buffers: tuple[Buffer, ...]  # saved beside them
    fixed_buffers: tuple[Buffer, ...]
    copies_buffers: tuple[Buffer, ...]  # parameters in half precision
    passing_buffers: tuple[Buffer, ...]  # gradients, the loss's tensors and what is only there while a layer runs
    owners: tuple[int, ...]  # by operation: the one whose memory holds its output
    forward_buffers: tuple[Buffer, ...]  # were nothing kept for the backward pass
    wanted: tuple[bool, ...]  # by operation: whether a gradient flows through


def retain(execution: Execution, volumes: tuple[int, ...], *, inplace: bool = True) -> Retained:
    """What autograd saves (as saved_tensors_hooks sees it, parameters and buffers apart), and for how long.

    As in PyTorch nothing is saved before the first trained layer, since no gradient is wanted there; the
    network's input counts where a layer saves it, and is held for the whole step in any case.  `volumes` are
    classes' numbers for an image, by output.
    """
    every = execution.operations
    moments = Moments(len(every))
    wanted = execution.wanted()
    owners = storages(execution, [one.rule.storage for one in every], wanted, inplace=inplace)
    sizes = [one.size for one in every]
    last = list(range(len(every)))  # of the memory an operation owns
    viewed = [False] * len(every)  # whether an output is a view of other memory
    keeper: dict[int, int] = {}  # memory -> the first operation that needs it in its backward pass
    saved, fixed = [0] * len(every), [0] * len(every)
    outputs: list[Buffer] = []
    extras: list[Buffer] = []
    fixed_buffers: list[Buffer] = []
    copies: list[Buffer] = []
    passing: list[Buffer] = []
    for position, operation in enumerate(every):
        kept, inputs = operation.rule, operation.inputs
        owner = owners[position]
        last[owner] = position
        for one in inputs:
            last[owners[one]] = position
            if every[one].rule is CAST:  # whoever calls the layer holds its input
                last[owners[every[one].inputs[0]]] = position
        beside = kept.indices + kept.mask
        if operation.weights or operation.biases:
            copies += _copies(operation, position, moments, wanted)
        if not wanted[position]:
            if running := kept.running + kept.forward:
                passing.append(Buffer(running, position, position))
            if beside:
                passing.append(Buffer(beside, position, position))
            if kept.statistics:
                fixed_buffers.append(Buffer(kept.statistics, position, position))
            continue
        if kept.running:
            passing.append(Buffer(kept.running, position, position))
        until = moments.backward(position)
        frozen = kept.weights and not operation.trainable
        if extra := beside if frozen else kept.values + beside:
            extras.append(Buffer(extra, position, until))
            saved[position] += extra
        if kept.statistics:
            fixed_buffers.append(Buffer(kept.statistics, position, until))
            fixed[position] = kept.statistics
        if kept.input and not frozen:
            for one in inputs:
                keeper.setdefault(owners[one], position)
        if kept.output:
            keeper.setdefault(owner, position)
        viewed[position] = kept.viewed
        temporary = kept.backward
        if owner != position and kept.storage == "inplace" and viewed[inputs[0]]:
            viewed[position] = True
            temporary += 2 * sizes[position]  # autograd copies the view's gradient there and back (CopySlices)
        if temporary:
            passing.append(Buffer(temporary, until, until))
    for one in execution.scored:
        last[owners[one]] = moments.loss  # which reads it
    forward = tuple(Buffer(sizes[one], one, last[one]) for one, owner in enumerate(owners) if owner == one)
    for one in execution.results:
        last[owners[one]] = moments.step  # the training loop's variable holds it
    for position, owner in enumerate(owners):
        if owner != position:
            continue
        batch = not every[position].inputs
        if batch:  # belongs to the training loop
            last[position] = moments.step
        if position in keeper:
            saved[position] += sizes[position]
            last[position] = max(last[position], moments.backward(keeper[position]))
        outputs.append(Buffer(sizes[position], 0 if batch else position, last[position]))
    for one, size in zip(execution.results, execution.logarithms, strict=True):
        passing += _loss(sizes[owners[one]], size, execution.homes[-1], moments)
    passing += gradients(execution, wanted, sizes, moments)
    fixed_buffers += [
        Buffer(SCALAR, 0, moments.step),  # the loss, before the step that of the last
        Buffer(SCALAR, moments.loss, moments.loss),  # both, for a moment
        Buffer(SCALAR, moments.loss, moments.loss_backward),  # the number of images averaged over
        Buffer(SCALAR, moments.loss_backward, moments.step - 1),  # the gradient of the loss, 1, which its caller holds
    ]
    return Retained(
        execution,
        tuple(saved),
        tuple(fixed),
        INDEX * sum(volumes),
        tuple(outputs),
        tuple(extras),
        tuple(fixed_buffers),
        tuple(copies),
        tuple(passing),
        tuple(owners),
        forward,
        tuple(wanted),
    )


def _copies(operation: Operation, position: int, moments: Moments, wanted: list[bool]) -> list[Buffer]:
    """Parameters in half precision.

    Autocast keeps the copies until it is left, behind the loss; what is frozen it does not keep.  A convolution needs its
    weights in the backward pass, a matrix product only where its input has a gradient.
    """
    backward, end = moments.backward(position), moments.loss if operation.trainable else position
    needed = wanted[position] and (not operation.rule.weights or any(wanted[one] for one in operation.inputs))
    until = backward if needed else end
    found = [Buffer(operation.weights, position, until), Buffer(operation.biases, position, end)]
    return [one for one in found if one.size]


def _loss(held: int, size: int, before: int, moments: Moments) -> list[Buffer]:
    """Cross entropy of an output whose logarithms take `size` bytes an image: these, and their gradients.

    The training loop's variable still holds the last step's output, in memory of `held` bytes, while the next
    is computed, up to the operation `before`.
    """
    after = moments.loss_backward + 1
    return [
        Buffer(held, 0, before),
        Buffer(size, moments.loss, after),
        Buffer(size, moments.loss_backward, after),
    ]
