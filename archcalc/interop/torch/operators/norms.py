"""Normalizations and dropout."""

from typing import Any

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import has, kinds
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import NotUnderstood, Value, made
from archcalc.layers.norm import BatchNorm, Dropout, LayerNorm, LocalResponseNorm


@operator("batch_norm")
def batch_norm(call: Call) -> Value:
    """With running statistics.  torch.batch_norm, which takes 9 arguments, has the trained ones first."""
    mean, variance = call.arg(1, "running_mean"), call.arg(2, "running_var")
    weight, bias = call.arg(3, "weight"), call.arg(4, "bias")
    if len(call.args) == 9:
        mean, variance, weight, bias = weight, bias, mean, variance
    layer = BatchNorm(statistics=mean is not None, eps=float(call.arg(7, "eps", 1e-5)), **_affine(weight, bias))
    return call.layer(layer, call.image(), weights=(weight, bias, mean, variance))


@operator("layer_norm")
def layer_norm(call: Call) -> Value:
    """Over the channels at every position, wherever their axis lies."""
    x = call.settled()
    weight, bias = call.arg(2, "weight"), call.arg(3, "bias")
    if len(call.arg(1, "normalized_shape")) != 1 or not has(x.layout[-1], "c", call.volume(x.node).channels):
        raise NotUnderstood(f"it normalizes the axes {kinds(x.layout[-len(call.arg(1, 'normalized_shape')) :])}")
    layer = LayerNorm(eps=float(call.arg(4, "eps", 1e-5)), **_affine(weight, bias))
    return call.kept(layer, x, weights=(weight, bias))


@operator("local_response_norm")
def response_norm(call: Call) -> Value:
    """PyTorch divides alpha by n, as Caffe does; the paper, and the layer, do not."""
    size, alpha = call.arg(1, "size"), call.arg(2, "alpha", 1e-4)
    layer = LocalResponseNorm(size=size, alpha=alpha / size, beta=call.arg(3, "beta", 0.75), k=call.arg(4, "k", 1.0))
    return call.layer(layer, call.image())


@operator("dropout", "feature_dropout")
def dropout(call: Call) -> Value:
    return call.kept(Dropout(rate=float(call.arg(1, "p", 0.5))), call.value())


@operator("group_norm")
def group_norm(call: Call) -> Value:
    weight, bias = call.arg(2, "weight"), call.arg(3, "bias")
    keys = _affine(weight, bias)
    layer = made("group_norm", groups=call.arg(1, "num_groups"), eps=float(call.arg(4, "eps", 1e-5)), **keys)
    return call.layer(layer, call.image(), weights=(weight, bias))


@operator("instance_norm")
def instance_norm(call: Call) -> Value:
    """Without running statistics, which it would keep and, in eval, use."""
    if call.arg(1, "running_mean") is not None:
        raise NotUnderstood("an instance norm with running statistics has no layer")
    weight, bias = call.arg(3, "weight"), call.arg(4, "bias")
    layer = made("instance_norm", eps=float(call.arg(7, "eps", 1e-5)), affine=weight is not None)
    return call.layer(layer, call.image(), weights=(weight, bias))


@operator("rms_norm")
def rms_norm(call: Call) -> Value:
    x, weight = call.value(), call.arg(2, "weight")
    if len(call.arg(1, "normalized_shape")) != 1 or not has(x.layout[-1], "c", call.volume(x.node).channels):
        raise NotUnderstood(f"it normalizes the axes {kinds(x.layout[-len(call.arg(1, 'normalized_shape')) :])}")
    keys = {} if call.arg(3, "eps") is None else {"eps": float(call.arg(3, "eps"))}
    return call.kept(made("rms_norm", affine=weight is not None, **keys), x, weights=(weight,))


@operator("normalize")
def normalize(call: Call) -> Value:
    """By the length of the channels' vector at every position."""
    x = call.value()
    over = x.layout[call.arg(2, "dim", 1)]
    if call.arg(1, "p", 2.0) != 2 or not has(over, "c", call.volume(x.node).channels):
        raise NotUnderstood(f"it normalizes the axis {kinds((over,))}")
    return call.kept(made("l2_norm"), x)


@operator("dropout2d", "dropout1d", "dropout3d")
def feature_dropout(call: Call) -> Value:
    return call.kept(made("dropout2d", rate=float(call.arg(1, "p", 0.5))), call.value())


def _affine(weight: Any, bias: Any) -> dict[str, bool]:
    if weight is None and bias is None:
        return {"affine": False}
    return {name: False for name, one in (("scale", weight), ("shift", bias)) if one is None}
