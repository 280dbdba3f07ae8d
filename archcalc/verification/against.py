"""Values against PyTorch's: every layer with the same inputs and weights (the `torch` extra).

The layers' own order of arrays is translated: N, H, W, C to N, C, H, W, and filters Fh, Fw, C/g, K to
K, C/g, Fh, Fw.  Where PyTorch has the layer with these very hyperparameters, that is used; padding it does not know
(uneven, `same` with a stride, `ceil` of a convolution) is put around the image first.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from archcalc.analysis.analyze import Row
from archcalc.forward.arrays import margins
from archcalc.forward.run import Array
from archcalc.layers.pool import Pooling
from archcalc.verification.against_further import FURTHER
from archcalc.volume import Volume

RELATIVE = {torch.float32: 1e-4, torch.float64: 1e-6}  # of the largest value; gelu's erf is good to 1.5e-7

Reference = Callable[[Any, list[Any], list[Any]], Any]


def compare(row: Row, inputs: tuple[Array, ...], weights: list[Array], y: Array) -> str:
    """What differs between PyTorch's result and `y`; an empty text where nothing does."""
    layer = row.node.layer
    reference = REFERENCES.get(layer.type)
    if reference is None:
        return ""
    if isinstance(layer, Pooling) and (wide := layer.too_wide()):
        return f"{wide}: PyTorch refuses it"
    with torch.no_grad():
        images = [torch.from_numpy(x).permute(0, 3, 1, 2).contiguous() for x in inputs]
        theirs = reference(layer, images, [torch.from_numpy(w) for w in weights])
        ours = torch.from_numpy(y).permute(0, 3, 1, 2)
        if theirs.shape != ours.shape:
            return f"PyTorch computes {list(theirs.shape)}, here it is {list(ours.shape)}"
        difference = float((theirs - ours).abs().max())
        scale = max(1.0, float(theirs.abs().max()))
    if not difference <= RELATIVE[ours.dtype] * scale:
        return f"values differ from PyTorch's by {difference:.2g} of {scale:.2g}"
    return ""


def _conv(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    filters = weights[0].permute(3, 2, 0, 1)
    bias = weights[1] if layer.bias else None
    x, own = images[0], _own_padding(layer)
    if own is None or layer.rounding == "ceil":
        x, own = _padded(layer, x, layer.stride, layer.dilation), (0, 0)
    return functional.conv2d(x, filters, bias, _hw(layer.stride), own, _hw(layer.dilation), layer.groups)


def _local(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    x = _padded(layer, images[0], layer.stride, layer.dilation)
    height, width, _, filters = weights[0].shape
    fw, fh = layer.kernel_size
    columns = functional.unfold(x, (fh, fw), _hw(layer.dilation), 0, _hw(layer.stride))  # N, C*Fh*Fw, H'*W'
    columns = columns.reshape(len(x), -1, fh * fw, height, width)
    matrix = weights[0].reshape(height, width, fh * fw, -1, filters)
    y = torch.einsum("ncfhw,hwfck->nkhw", columns, matrix)
    return y + weights[1].permute(2, 0, 1) if layer.bias else y


def _depthwise(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    return _conv(layer.grouped(images[0].shape[1]), images, weights)


def _transposed(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    """Without padding, then cropped: PyTorch takes the same from both sides, and knows no `same`."""
    bias = weights[1] if layer.bias else None
    filters, stride, added = weights[0].permute(0, 3, 1, 2), _hw(layer.stride), _hw(layer.output_padding)
    groups, dilation = layer.groups, _hw(layer.dilation)
    if (own := _own_padding(layer)) is not None:
        return functional.conv_transpose2d(images[0], filters, bias, stride, own, added, groups, dilation)
    y = functional.conv_transpose2d(images[0], filters, bias, stride, 0, added, groups, dilation)
    (left, right), (top, bottom) = layer.cropped()
    right, bottom = right + layer.output_padding.width, bottom + layer.output_padding.height
    if right < 0 or bottom < 0:  # `same` with windows smaller than their distance: behind them is only the bias
        y = functional.conv_transpose2d(images[0], filters, None, stride, 0, added, groups, dilation)
        y = functional.pad(y, (0, max(0, -right), 0, max(0, -bottom)))
        y = y if bias is None else y + bias[:, None, None]
    return y[:, :, top : y.shape[2] - max(0, bottom), left : y.shape[3] - max(0, right)]


def _upsample(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    corners = {"align_corners": layer.align_corners} if layer.mode == "bilinear" else {}
    if layer.size is not None:
        return functional.interpolate(images[0], size=_hw(layer.size), mode=layer.mode, **corners)
    below = getattr(layer.factor, "below", (1, 1))
    factors = tuple(one / under for one, under in zip(layer.factor[1::-1], below[::-1], strict=True))
    return functional.interpolate(images[0], scale_factor=factors, mode=layer.mode, **corners)


def _trained(layer: Any, weights: list[Any]) -> tuple[Any, Any]:
    """A normalization's scale and shift, which are drawn first."""
    scale, shift = (layer.affine and one for one in (layer.scale, layer.shift))
    return weights[0] if scale else None, weights[int(scale)] if shift else None


def _layer_norm(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    x = images[0].permute(0, 2, 3, 1)
    scale, shift = _trained(layer, weights)
    return functional.layer_norm(x, x.shape[-1:], scale, shift, layer.eps).permute(0, 3, 1, 2)


def _free(size: Any) -> tuple[int | None, int | None]:
    """Height and width, None where 0 says that it is the input's."""
    return size.height or None, size.width or None


def _pad(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    mode = layer.mode if layer.mode in ("reflect", "replicate") else "constant"
    return functional.pad(
        images[0], layer.sides(_volume(images[0]))[:4], mode, float("-inf") if layer.mode == "lowest" else None
    )


def _crop(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    return functional.pad(images[0], [-side for side in layer.sides(_volume(images[0]))[:4]])


def _volume(image: Any) -> Volume:
    return Volume(image.shape[3], image.shape[2], image.shape[1])


def _fc(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    flat = images[0].permute(0, 2, 3, 1).flatten(1)
    return functional.linear(flat, weights[0].T, weights[1] if layer.bias else None)[:, :, None, None]


def _max_pool(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    size, stride, dilation = _hw(layer.kernel_size), _hw(layer.step), _hw(layer.dilation)
    if (own := _own_padding(layer)) is not None:
        return functional.max_pool2d(images[0], size, stride, own, dilation, ceil_mode=layer.rounding == "ceil")
    x = _padded(layer, images[0], layer.step, layer.dilation, fill=float("-inf"))
    return functional.max_pool2d(x, size, stride, 0, dilation)


def _average_pool(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    x, p = images[0], layer.padding
    size, stride = _hw(layer.kernel_size), _hw(layer.step)
    if (own := _own_padding(layer)) is not None:
        ceil = layer.rounding == "ceil"
        return functional.avg_pool2d(x, size, stride, own, ceil_mode=ceil, count_include_pad=layer.count_padding)
    sums = _padded(layer, x, layer.step)
    counts = torch.ones_like(x[:1, :1])
    if layer.count_padding and not p.mode:  # what `ceil` adds is not counted
        counts = functional.pad(counts, (p.left, p.right, p.top, p.bottom), value=1.0)
        counts = functional.pad(counts, (0, sums.shape[3] - counts.shape[3], 0, sums.shape[2] - counts.shape[2]))
    else:
        counts = _padded(layer, counts, layer.step, fill=float(layer.count_padding))
    return functional.avg_pool2d(sums, size, stride) / functional.avg_pool2d(counts, size, stride)


def _l2_pool(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    x = _padded(layer, images[0], layer.step)
    area = layer.kernel_size.area
    return (functional.avg_pool2d(x * x, _hw(layer.kernel_size), _hw(layer.step)) * area).sqrt()


def _batch_norm(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    scale, shift = _trained(layer, weights)
    mean, variance = weights[-2:] if layer.statistics else (None, None)
    return functional.batch_norm(images[0], mean, variance, scale, shift, not layer.statistics, eps=layer.eps)


def _group_norm(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    scale, shift = _trained(layer, weights)
    return functional.group_norm(images[0], layer.groups, scale, shift, layer.eps)


def _instance_norm(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    scale, shift = _trained(layer, weights)
    mean, variance = weights[-2:] if layer.statistics else (None, None)
    return functional.instance_norm(images[0], mean, variance, scale, shift, not layer.statistics, eps=layer.eps)


def _softmax(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    parts = images[0].unflatten(1, (layer.groups, -1))
    return getattr(functional, layer.type)(parts, 1 if layer.across else 2).flatten(1, 2)


def _response_norm(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    return functional.local_response_norm(images[0], layer.size, layer.alpha * layer.size, layer.beta, layer.k)


def _own_padding(layer: Any) -> tuple[int, int] | None:
    """Padding as PyTorch takes it, height first; None where it does not."""
    p = layer.padding
    if p.mode or p.left != p.right or p.top != p.bottom:
        return None
    return p.top, p.left


def _padded(layer: Any, x: Any, stride: Any, dilation: Any = (1, 1), fill: float = 0.0) -> Any:
    """The image with its padding around it."""
    (fw, fh), (sw, sh), (dw, dh), p = layer.kernel_size, stride, dilation, layer.padding
    rows = margins(x.shape[2], dh * (fh - 1) + 1, sh, p.top, p.bottom, layer.rounding, p.mode)
    columns = margins(x.shape[3], dw * (fw - 1) + 1, sw, p.left, p.right, layer.rounding, p.mode)
    return functional.pad(x, (*columns, *rows), value=fill)


def _hw(pair: Any) -> tuple[int, int]:
    width, height = pair
    return height, width


def _each(function: Callable[[Any], Any]) -> Reference:
    """A reference that needs neither the layer's values nor weights."""
    return lambda layer, images, weights: function(images[0])


def _product(images: list[Any]) -> Any:
    y = images[0]
    for x in images[1:]:
        y = y * x
    return y


def _separable(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    depthwise, filters, bias = (
        weights[0].permute(2, 3, 0, 1).flatten(0, 1)[:, None],
        weights[1].T[..., None, None],
        None,
    )
    if layer.bias:
        bias = weights[2]
    x = _padded(layer, images[0], layer.stride, layer.dilation)
    y = functional.conv2d(x, depthwise, None, _hw(layer.stride), 0, _hw(layer.dilation), images[0].shape[1])
    return functional.conv2d(y, filters, bias)


def _standardized(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    deviation, mean = torch.std_mean(weights[0], dim=(0, 1, 2), correction=0)
    return _conv(layer, images, [(weights[0] - mean) / (deviation**2 + layer.eps).sqrt(), *weights[1:]])


def _over_channels(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    x = images[0].flatten(1)[:, None]
    return functional.conv1d(x, weights[0][None, None], None, 1, layer.kernel_size // 2).transpose(1, 2)[..., None]


REFERENCES: dict[str, Reference] = {
    **FURTHER,
    "sepconv": _separable,
    "ws_conv": _standardized,
    "channel_conv": _over_channels,
    "conv1d": _conv,
    "pool1d": _max_pool,
    "avgpool1d": _average_pool,
    "blurpool": _depthwise,
    "conv": _conv,
    "local": _local,
    "fc": _fc,
    "pool": _max_pool,
    "avgpool": _average_pool,
    "l2pool": _l2_pool,
    "gap": _each(lambda x: functional.adaptive_avg_pool2d(x, 1)),
    "bn": _batch_norm,
    "lrn": _response_norm,
    "dropout": _each(lambda x: x),
    "flatten": _each(lambda x: x.permute(0, 2, 3, 1).flatten(1)[:, :, None, None]),
    "concat": lambda layer, images, weights: torch.cat(images, 1),
    "add": lambda layer, images, weights: sum(images[1:], images[0]),
    "multiply": lambda layer, images, weights: _product(images),
    "relu": _each(functional.relu),
    "leaky_relu": lambda layer, images, weights: functional.leaky_relu(images[0], layer.slope),
    "prelu": lambda layer, images, weights: functional.prelu(images[0], weights[0]),
    "elu": lambda layer, images, weights: functional.elu(images[0], layer.alpha),
    "selu": _each(functional.selu),
    "tanh": _each(torch.tanh),
    "sigmoid": _each(torch.sigmoid),
    "softplus": _each(functional.softplus),
    "relu6": _each(functional.relu6),
    "silu": _each(functional.silu),
    "gelu": _each(functional.gelu),
    "hardswish": _each(functional.hardswish),
    "hardsigmoid": _each(functional.hardsigmoid),
    "dwconv": _depthwise,
    "deconv": _transposed,
    "upsample": _upsample,
    "adaptive_avgpool": lambda layer, images, weights: functional.adaptive_avg_pool2d(images[0], _free(layer.size)),
    "adaptive_pool": lambda layer, images, weights: functional.adaptive_max_pool2d(images[0], _free(layer.size)),
    "layer_norm": _layer_norm,
    "layer_scale": lambda layer, images, weights: images[0] * weights[0][:, None, None],
    "pad": _pad,
    "crop": _crop,
    "split": lambda layer, images, weights: images[0].chunk(layer.parts, 1)[layer.part - 1],
    "shuffle": lambda layer, images, weights: functional.channel_shuffle(images[0], layer.groups),
    "softmax": _softmax,
    "log_softmax": _softmax,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
}
