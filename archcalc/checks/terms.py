"""What the figures mean: every one that tools count differently has one page, which `archcalc rule` prints.

docs/conventions.md is made of the same pages: `archcalc rule conventions --format markdown > docs/conventions.md`.
"""

from collections.abc import Sequence
from inspect import cleandoc

from archcalc.records import NamedTuple


class Term(NamedTuple):
    """A word of reports and messages, its title and its page."""

    name: str
    title: str
    page: str

    @property
    def text(self) -> str:
        return cleandoc(self.page).strip()


TERMS = (
    Term(
        "parameters",
        "what is trained",
        """
        params = weights + biases: everything an optimizer changes.  A convolution has F*F*C/g*K weights and K biases; a batch
        norm's scale counts as weights and its shift as biases.  Running means and variances of batch norm are `buffers`: kept,
        not trained, and no parameters.  What several layers share counts once.
        """,
    ),
    Term(
        "mac",
        "a multiply-accumulate",
        """
        One product added to a sum.  Convolutions, transposed and locally connected ones too, and fully connected layers have
        them: for every output value as many as the filter has weights, also where the window lies on padding, without the bias.
        A transposed convolution has one for every value it adds, also where the padding takes the result away.  Nothing else
        counts: not batch norm, activations, pools or element-wise sums.

        `INPUT[416x416x3] -> CONV3-16p1` has 416*416*16 * 3*3*3 = 74,760,192 MACs.  Darknet prints twice that, 149,520,384, as
        its BFLOPs; many papers and fvcore print MACs and call them FLOPs.  Here a MAC is never called a FLOP.
        """,
    ),
    Term(
        "flop",
        "a floating-point operation",
        """
        2 for every MAC, 1 for every bias added, and for every output value of

            an activation 1, softmax 3           a pool: one for each value of its window
            batch norm 2                         layer, group, instance norm 5, with scale and shift 7
            RMS norm 3, with scale 4             L2 norm 3, global response norm 6
            LRN of n channels 2n + 3             scale, shift, layer scale 1, bilinear upsampling 7
            add, multiply and the like: one less than there are branches

        Nothing for what only moves values or passes them on at inference: flatten, dropout, padding, cropping, concat, nearest
        upsampling, channel split and shuffle.

        `INPUT[416x416x3] -> CONV3-16p1` has 2*74,760,192 + 416*416*16 = 152,289,280 FLOPs.  Tools that leave out biases,
        normalizations and pools print less; compare MACs with them.
        """,
    ),
    Term(
        "activations",
        "the values of the volumes",
        """
        The values of a layer's output for one image, width*height*channels; the total is over all layers and the input.
        `report --inplace`, the default, counts none where a layer may overwrite its input or hand it on (see
        `inplace`); `--no-inplace` counts every output.  Batches, gradients and what autograd keeps besides are
        for `plan`.

        Papers differ: the "activations" of RegNet are the outputs of convolutions only (Radosavovic et al., 2020).
        """,
    ),
    Term(
        "inplace",
        "a layer that overwrites its input",
        """
        An activation, dropout at inference, and flatten need no memory of their own: the result may lie where the input
        was, as long as nobody else reads that.  So under the convention `inplace` such a layer owns no activations if it is the
        only reader of its input; so does one that changes nothing, like an adaptive pool to the size that is there already.

        While training, fewer may: the backward pass of ReLU6, SiLU or a hard swish needs the input, so that PyTorch copies it.
        `plan` follows what PyTorch does with `inplace=True` on ReLU, leaky ReLU, ELU, SELU and dropout; `plan --no-inplace` is
        `inplace=False` everywhere.
        """,
    ),
    Term(
        "receptive-field",
        "what one output value sees",
        """
        `field`, or `receptive_field.size` in JSON: how many pixels along an axis can change a value, the most over all
        outputs where they differ.  It never exceeds the image and the padding around it: zeros of the padding count as
        pixels, as in the published figures (the 427 of torchvision's ResNet-50 on an image of 224), but without padding nothing beyond the image is
        seen.  `jump` is the distance between the fields of neighbours, `start` the centre of the first one, in pixels from the
        image's border.  Where branches meet it is the union; `null` where it is not known.  For a window of extent F, stride
        S and P of padding (Araujo, Norris and Sim, Distill 2019)

            size += (F - 1) jump        start += ((F - 1)/2 - P) jump        jump *= S

        This is what can be seen, not the effective field, which training decides.
        """,
    ),
    Term(
        "memory",
        "bytes, and of what",
        """
        In `report` the column is the layer's activations for one image in the dtype of the report (`float32` unless it says
        otherwise).  Their sum is what a forward pass that frees nothing holds, and is no peak.  `plan` computes peaks: at
        inference every buffer is dropped after its last reader; for training it adds what autograd keeps, gradients and
        the optimizer's state.  Neither counts the allocator's rounding, workspaces of convolution libraries or the driver's own
        memory.  Bytes are printed in binary units, KiB, MiB, GiB; counts in decimal ones, K, M, G.
        """,
    ),
    Term(
        "rounding",
        "where (W - F + 2P)/S + 1 is not whole",
        """
        `exact`, the default, refuses it (AC201).  `floor` drops what no whole window covers, as PyTorch, TensorFlow's `valid` and
        ONNX do.  `ceil` lets the last window hang over, as long as it starts inside the image or its left padding: PyTorch's
        `ceil_mode: true`.  `caffe`, at the top of a spec only, is Caffe's rule for a whole network: convolutions round
        down, pools up with that clip.  224 -> CONV7-64s2p3 -> POOL3s2 is 112 and 56 under it.
        """,
    ),
)


def layer_types() -> Term:
    """Every layer type, how a pattern writes it, its keys, and its names in other tools."""
    from archcalc.layers import TYPES

    lines = []
    for type, layer in sorted(TYPES.items()):
        keys = [f"{name} ({key.letter})" if key.letter else name for name, key in layer.keys.items()]
        lines.append(f"{type}: {', '.join(keys) or 'no keys'}")
        lines += [f"    {(layer.__doc__ or '').strip().splitlines()[0]}"]
        lines += [f"    elsewhere: {', '.join(layer.aka)}"] if layer.aka else []
    return Term("layers", "the layer types", "\n".join(lines))


def named(word: str) -> Sequence[Term] | None:
    """The terms of that name: one, or all of them for `conventions`; None where there is none."""
    folded = word.lower().replace("_", "-")
    if folded == "conventions":
        return TERMS
    if folded == "layers":
        return (layer_types(),)
    plural = {"macs": "mac", "flops": "flop", "params": "parameters", "in-place": "inplace", "field": "receptive-field"}
    found = [one for one in TERMS if one.name == plural.get(folded, folded)]
    return found or None
