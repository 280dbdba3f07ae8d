"""PyTorch's counterparts of the layer types that few networks have, with the same inputs and weights."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch.nn import functional


def _each(function: Callable[[Any], Any]) -> Callable[[Any, list[Any], list[Any]], Any]:
    """A reference that needs neither the layer's values nor weights."""
    return lambda layer, images, weights: function(images[0])


def _joined(function: Callable[[Any, Any], Any]) -> Callable[[Any, list[Any], list[Any]], Any]:
    """The images joined from the left."""
    return lambda layer, images, weights: reduce(function, images)


def _operand(layer: Any, weights: list[Any]) -> Any:
    return weights[0][:, None, None] if layer.by is None else layer.by


def _rms_norm(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    x = images[0].permute(0, 2, 3, 1)
    return functional.rms_norm(x, x.shape[-1:], weights[0] if weights else None, layer.eps).permute(0, 3, 1, 2)


def _global_response_norm(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    x = images[0]
    lengths = x.norm(dim=(2, 3), keepdim=True)
    gamma, beta = (one[:, None, None] for one in weights)
    return gamma * (x * (lengths / (lengths.mean(1, keepdim=True) + layer.eps))) + beta + x


def _frozen_batch_norm(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    scale, shift, mean, variance = weights
    return functional.batch_norm(images[0], mean, variance, scale, shift, eps=layer.eps)


def _reshape(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    flat = images[0].permute(0, 2, 3, 1).flatten(1)
    return flat.unflatten(1, (layer.height, layer.width, layer.channels)).permute(0, 3, 1, 2)


def _shortcut(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    y = images[0].clone()
    for x in images[1:]:
        common = min(x.shape[1], y.shape[1])
        y[:, :common] += x[:, :common]
    return y


def _depth_to_space(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    blocks = images[0].unflatten(1, (layer.factor**2, -1)).transpose(1, 2).flatten(1, 2)  # to PyTorch's order
    return functional.pixel_shuffle(blocks, layer.factor)


def _space_to_depth(layer: Any, images: list[Any], weights: list[Any]) -> Any:
    blocks = functional.pixel_unshuffle(images[0], layer.factor)
    return blocks.unflatten(1, (-1, layer.factor**2)).transpose(1, 2).flatten(1, 2)


FURTHER: dict[str, Callable[[Any, list[Any], list[Any]], Any]] = {
    "abs": _each(torch.abs),
    "celu": lambda layer, images, weights: functional.celu(images[0], layer.alpha),
    "channel_max": _each(lambda x: x.amax(1, keepdim=True)),
    "channel_mean": _each(lambda x: x.mean(1, keepdim=True)),
    "clamp": lambda layer, images, weights: torch.clamp(images[0], layer.low, layer.high),
    "depth_to_space": _depth_to_space,
    "divide": _joined(torch.div),
    "drop_path": _each(lambda x: x),
    "dropout2d": _each(lambda x: x),
    "frozen_bn": _frozen_batch_norm,
    "gmp": _each(lambda x: functional.adaptive_max_pool2d(x, 1)),
    "grn": _global_response_norm,
    "hardtanh": lambda layer, images, weights: functional.hardtanh(images[0], layer.low, layer.high),
    "l2_norm": lambda layer, images, weights: functional.normalize(images[0], dim=1, eps=layer.eps),
    "maximum": _joined(torch.maximum),
    "minimum": _joined(torch.minimum),
    "mish": _each(functional.mish),
    "gelu_tanh": _each(lambda x: functional.gelu(x, approximate="tanh")),
    "pixel_shuffle": lambda layer, images, weights: functional.pixel_shuffle(images[0], layer.factor),
    "pixel_unshuffle": lambda layer, images, weights: functional.pixel_unshuffle(images[0], layer.factor),
    "reshape": _reshape,
    "rms_norm": _rms_norm,
    "scale": lambda layer, images, weights: images[0] * _operand(layer, weights),
    "shift": lambda layer, images, weights: images[0] + _operand(layer, weights),
    "shortcut": _shortcut,
    "slice": lambda layer, images, weights: images[0].narrow(1, layer.offset, layer.channels),
    "space_to_depth": _space_to_depth,
    "subtract": _joined(torch.sub),
}
