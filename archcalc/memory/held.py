"""What PyTorch holds in a forward pass without gradients."""

from itertools import accumulate

from archcalc.memory.liveness import Buffer, live
from archcalc.memory.operations import CAST, Execution
from archcalc.memory.storages import storages
from archcalc.records import NamedTuple


class Held(NamedTuple):
    """Bytes by operation: of activations for an image, and of parameters in half precision whatever the batch."""

    image: list[int]
    copies: list[int]


def held(execution: Execution, views: list[bool], *, inplace: bool = True) -> Held:
    """What is there while each operation runs.

    The caller holds the batch.  A max pool computes its indices even if nobody wants them; a view holds the
    whole tensor it looks at; a layer overwrites its input only where the same network could in training, and no layer
    that PyTorch has no such option for does.  `views` pass their input on at inference (dropout).  Autocast keeps the
    copies of parameters that it made.
    """
    every = execution.operations
    passing = []
    kinds: list[str] = []
    copies = []
    for position, operation in enumerate(every):
        rule = operation.rule
        if size := rule.indices + rule.forward + rule.running:
            passing.append(Buffer(size, position, position))
        kinds.append("view" if views[position] else "inplace" if rule.storage == "cloned" else rule.storage)
        copies.append(operation.weights + operation.biases)
    owners = storages(execution, kinds, [True] * len(every), inplace=inplace)
    last = list(range(len(every)))
    for position, operation in enumerate(every):
        last[owners[position]] = position
        for one in operation.inputs:
            last[owners[one]] = position
            if every[one].rule is CAST:  # whoever calls the layer holds its input
                last[owners[every[one].inputs[0]]] = position
    end = len(every) - 1
    for one in execution.results:
        last[owners[one]] = end
    own = []
    for position, operation in enumerate(every):
        if owners[position] == position:
            own.append(
                Buffer(operation.size, position if operation.inputs else 0, last[position] if operation.inputs else end)
            )
    return Held(live(own + passing, len(every)), list(accumulate(copies)))
