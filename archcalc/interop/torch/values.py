"""A model's own weights through the layers' forward passes in NumPy, and what they give against what the model gave.

The model has run on real numbers, so that every node has the tensor it is seen as.  The layers are handed in: those of
a spec that was found to be the same network, whose eps and slopes are in question, too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from archcalc.forward.run import Array, Run
from archcalc.interop.torch.layout import Layout, extent
from archcalc.interop.torch.tracing import IMAGES, Draft
from archcalc.layers import Layer
from archcalc.records import NamedTuple
from archcalc.volume import Volume

if TYPE_CHECKING:
    from archcalc.interop.torch.model import Captured

TOLERANCE = 1e-4  # of a tensor's largest value


class Values(NamedTuple):
    """How far the network's results are from the model's, over the largest of them, and the first node that parted."""

    furthest: float
    parted: tuple[int, float] | None

    @property
    def equal(self) -> bool:
        return self.furthest <= TOLERANCE


def compared(found: "Captured", layers: Sequence[Layer]) -> Values:
    """Execute a capture's graph with these layers and the model's weights; it has run, and no layer is opaque."""
    assert found.run is not None
    images, seen, results = found.run
    run = Run(batch=IMAGES)
    nodes = found.graph.nodes
    readers = found.graph.readers()
    ends = {value.node for _, value in results}
    values: dict[int, Array] = {}
    parted: tuple[int, float] | None = None
    for number, (node, layer, draft) in enumerate(zip(nodes, layers, found.drafts, strict=True)):
        inputs = [values[one] for one in node.inputs]
        if layer.type == "input":
            y = _image(images[number], draft.volume)
        elif layer.type in ("flatten", "reshape"):
            y = _moved(inputs[0], draft.volume)
        else:
            volume = found.drafts[node.inputs[0]].volume
            run.begin(inplace=False, lent=[one.astype(run.dtype) for one in drawn(draft, volume)])
            y = layer.forward(run, *inputs)
        values[number] = y
        if number in seen and parted is None:
            distance = apart(y, *seen[number])
            if distance > TOLERANCE:
                parted = number, distance
        for one in node.inputs:
            if readers[one][-1] == number and one not in ends:
                values.pop(one, None)
    furthest = max(apart(values[value.node], tensor, value.layout) for tensor, value in results)
    return Values(furthest, parted)


def drawn(draft: Draft, volume: Volume) -> list[Array]:
    """The weights of a node as its layer's forward pass draws them, which reads an input of this volume."""
    tensors = [one.detach().numpy() for one in draft.weights]
    layer: Any = draft.layer
    if not tensors:
        return []
    first = tensors[0]
    if layer.type in ("conv", "ws_conv", "blurpool"):
        width, height = layer.kernel_size
        first = first.reshape(draft.volume.channels, -1, height, width).transpose(2, 3, 1, 0)
    elif layer.type == "deconv":
        width, height = layer.kernel_size
        first = first.reshape(volume.channels, -1, height, width).transpose(0, 2, 3, 1)
    elif layer.type == "fc":
        first = first.T[np.argsort(_places(draft.reads[-1], volume))]
    else:
        first = first.reshape(-1)
    return [np.ascontiguousarray(first), *(one.reshape(-1) for one in tensors[1:])]


def apart(y: Array, tensor: Any, layout: Layout) -> float:
    """The largest distance between values N, H, W, C and a tensor that lies like this, over the tensor's largest value."""
    theirs = tensor.detach().numpy()
    places = _coordinates(layout)
    ours = np.broadcast_to(y[places["n"], places["h"], places["w"], places["c"]], theirs.shape)
    finite = np.isfinite(theirs)
    distance = np.abs(np.where(ours == theirs, 0, ours - theirs)).max(initial=0)
    largest = np.abs(theirs[finite]).max(initial=0)
    return float(distance / largest) if largest else float(distance)


def _coordinates(layout: Layout) -> dict[str, Any]:
    """For every kind of axis its position at every place of a tensor, to be broadcast."""
    found: dict[str, Any] = {kind: np.zeros((1,) * len(layout), np.int64) for kind in "nhwc*"}
    for place, one in enumerate(layout):
        size = below = extent(one)
        for atom in one:
            below //= atom.size
            steps = np.arange(size) // below % atom.size * atom.stride
            found[atom.kind] = found[atom.kind] + steps.reshape([-1 if at == place else 1 for at in range(len(layout))])
    return found


def _places(one: Any, volume: Volume) -> Array:
    """Where the values of an axis that is a whole image lie in the order height, width, channels."""
    places = _coordinates((one,))
    found: Array = (places["h"] * volume.width + places["w"]) * volume.channels + places["c"]
    return found


def _image(tensor: Any, volume: Volume) -> Array:
    """An input, of as many axes as it has, as N, H, W, C."""
    array = tensor.detach().numpy().reshape(len(tensor), volume.channels, volume.height, volume.width)
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1))


def _moved(x: Array, volume: Volume) -> Array:
    """The same values as another volume, in PyTorch's order: channels, height, width."""
    flat = x.transpose(0, 3, 1, 2).reshape(len(x), volume.channels, volume.height, volume.width)
    return np.ascontiguousarray(flat.transpose(0, 2, 3, 1))
