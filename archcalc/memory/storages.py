"""Which operations' outputs lie in the same memory, in a network as PyTorch runs it."""

from collections.abc import Sequence

from archcalc.memory.operations import Execution


def storages(execution: Execution, kinds: Sequence[str], wanted: Sequence[bool], *, inplace: bool = True) -> list[int]:
    """For every operation the one whose memory holds its output, in a network that trains; `kinds` are Kept.storage.

    A layer may overwrite its input only if that is a whole tensor, nobody else reads it and nobody before
    needs it unchanged (PyTorch refuses the backward pass otherwise), and never the network's input.  `inplace` is
    for layers that do not say it themselves.
    """
    found: list[int] = []
    taken: list[bool] = []  # by owner: the batch, or read by several, or saved
    readers = execution.readers()
    for one in execution.results:
        readers[one] += 1
    for position, operation in enumerate(execution.operations):
        rule, kind, inputs = operation.rule, kinds[position], operation.inputs
        owner = position
        allowed = False
        if inputs and kind in ("view", "inplace"):
            source = found[inputs[0]]
            if kind == "inplace":
                allowed = (
                    (inplace if operation.inplace is None else operation.inplace)
                    and not taken[source]
                    and execution.operations[source].size == operation.size
                )
            if allowed or kind == "view":
                owner = source
        found.append(owner)
        taken.append(not inputs)
        saves = wanted[position]
        if readers[position] > 1 or (saves and rule.output) or (allowed and rule.input):
            taken[owner] = True
        if saves and rule.input and not allowed:
            for one in inputs:
                taken[found[one]] = True
    return found
