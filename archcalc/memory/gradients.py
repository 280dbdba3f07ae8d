"""Gradients of activations: when each comes to be in the backward pass, which are one tensor, and when they go.

Autograd runs the layers' backward passes in the reverse of their order.  Each takes the gradient of its output, which
is let go afterwards, and makes those of its inputs; a value with several readers gets the sum of their gradients,
which is added into the first where that is a whole tensor nobody else holds, and is a new one otherwise.
"""

from collections.abc import Sequence

from archcalc.memory.liveness import Buffer
from archcalc.memory.moments import Moments
from archcalc.memory.operations import Execution


class _Tensors:
    """Gradients' memory: who holds it is counted, as PyTorch does."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.first: list[int] = []
        self.holders: list[int] = []
        self.buffers: list[Buffer] = []

    def new(self, size: int, moment: int) -> int:
        self.sizes.append(size)
        self.first.append(moment)
        self.holders.append(1)
        return len(self.sizes) - 1

    def release(self, one: int, moment: int) -> None:
        self.holders[one] -= 1
        if not self.holders[one]:
            self.buffers.append(Buffer(self.sizes[one], self.first[one], moment))


def gradients(execution: Execution, wanted: Sequence[bool], sizes: Sequence[int], moments: Moments) -> list[Buffer]:
    """The memory of the gradients of outputs of `sizes[i]`, from that of the loss on."""
    tensors = _Tensors()
    waiting: dict[int, tuple[int, bool]] = {}  # node -> the gradient so far, and whether it is a whole tensor

    def arrive(node: int, gradient: int, moment: int, *, whole: bool) -> None:
        if node not in waiting:
            waiting[node] = gradient, whole
            return
        before, alone = waiting[node]
        if not (alone and tensors.holders[before] == 1):
            waiting[node] = tensors.new(sizes[node], moment), True
            tensors.release(before, moment)
        tensors.release(gradient, moment)

    every = execution.operations
    for result in execution.scored:
        if wanted[result]:
            loss = moments.loss_backward + 1
            arrive(result, tensors.new(sizes[result], loss), loss, whole=True)
    for position in reversed(range(len(every))):
        if position not in waiting:
            continue
        own, whole = waiting.pop(position)
        inputs, kind, moment = every[position].inputs, every[position].rule.gradient, moments.backward(position)
        if kind == "part" and sum([sizes[one] for one in inputs]) != sizes[position]:
            kind = "new"  # of another type
        made: list[tuple[int, int, bool]] = []
        for one in inputs:
            if not wanted[one]:
                continue
            if kind == "new" or (kind == "same" and sizes[one] != sizes[position]):  # a stretched branch's is a sum
                made.append((one, tensors.new(sizes[one], moment), True))
            else:
                tensors.holders[own] += 1
                made.append((one, own, whole and kind == "same"))
        tensors.release(own, moment)
        for one, gradient, whole in made:
            arrive(one, gradient, moment + 1, whole=whole)
    return tensors.buffers
