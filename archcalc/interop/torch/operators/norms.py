"""Normalizations and dropout."""

from archcalc.interop.torch.call import Call
from archcalc.interop.torch.layout import has, kinds
from archcalc.interop.torch.operators._table import operator
from archcalc.interop.torch.tracing import NotUnderstood, Value
from archcalc.layers.norm import BatchNorm, Dropout, LayerNorm, LocalResponseNorm


@operator("batch_norm")
def batch_norm(call: Call) -> Value:
    """With running statistics.  torch.batch_norm, which takes 9 arguments, has the trained ones first."""
    mean, variance = call.arg(1, "running_mean"), call.arg(2, "running_var")
    weight, bias = call.arg(3, "weight"), call.arg(4, "bias")
    if len(call.args) == 9:
        mean, variance, weight, bias = weight, bias, mean, variance
    if mean is None:
        raise NotUnderstood("a batch norm without running statistics has no layer")
    if weight is not None and bias is None:
        raise NotUnderstood("a batch norm with a scale and no shift has no layer")
    layer = BatchNorm(affine=bias is not None, scale=weight is not None, eps=call.arg(7, "eps", 1e-5))
    return call.layer(layer, call.image(), weights=(weight, bias, mean, variance))


@operator("layer_norm")
def layer_norm(call: Call) -> Value:
    """Over the channels at every position, wherever their axis lies."""
    x = call.value()
    weight, bias = call.arg(2, "weight"), call.arg(3, "bias")
    if len(call.arg(1, "normalized_shape")) != 1 or not has(x.layout[-1], "c", call.volume(x.node).channels):
        raise NotUnderstood(f"it normalizes the axes {kinds(x.layout[-len(call.arg(1, 'normalized_shape')) :])}")
    if (weight is None) != (bias is None):
        raise NotUnderstood("a layer norm with a scale and no shift has no layer")
    layer = LayerNorm(affine=weight is not None, eps=call.arg(4, "eps", 1e-5))
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
