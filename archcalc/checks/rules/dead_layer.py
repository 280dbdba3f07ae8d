"""Nobody reads a layer, and it is no output.

What it computes is thrown away: a branch was left behind when the network was changed, or the layer is a further result,
which `outputs: [main, auxiliary]` says.

Bad:

    input: 32x32x3
    layers:
      - CONV3-16p1 -> RELU
      - {conv: {name: side, filters: 8, kernel_size: 1}}
      - {gap: {from: relu1}}
      - FC-10

Good:

    input: 32x32x3
    layers:
      - CONV3-16p1 -> RELU
      - {conv: {name: side, filters: 8, kernel_size: 1}}
      - {gap: {from: relu1}}
      - FC-10
    outputs: [fc1, side]
"""

from collections.abc import Iterator

from archcalc.checks.advice import Network, Remark, advice
from archcalc.layers.reshape import Input


@advice("AC624", __doc__)
def dead_layer(network: Network) -> Iterator[Remark]:
    results = network.report.graph.results()
    given, said = {*results}, set()
    names = [network.rows[one].node.name for one in results]
    for row in network.rows:
        node = row.node
        if network.readers[row.position] or row.position in given or node.span in said:
            continue
        said.add(node.span)  # of what is repeated, once
        if isinstance(node.layer, Input):
            yield Remark(node.span, f"nobody reads the input {node.name}")
        else:
            whole = f"write `outputs: [{', '.join([*names, node.name])}]`" if len(names) < 4 else "name it in `outputs`"
            yield Remark(node.span, f"nobody reads {node.name}, and it is no output", help=(whole,))
