"""Functions of one value that a file spells out: which activation `x * clip(x + 3, 0, 6) / 6` is.

Spellings differ by tool, version and optimizer, and all compute the same: so a function is recognised by its values.
"""

from collections.abc import Callable
from math import copysign, erf, exp, inf, isfinite, log1p, sqrt, tanh
from typing import Any, TypeAlias

Tree: TypeAlias = "str | float | tuple[Any, ...]"  # "x", a number, or an operation and its operands

_POINTS = (-9.0, -4.5, -3.0, -2.2, -1.0, -0.4, -0.05, 0.0, 0.07, 0.6, 1.3, 2.9, 3.1, 5.0, 6.5, 12.0)
_NEAR = 1e-3  # single precision, a rounded 1.4142, and tanh for erf in GELU stay within


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x > -700 else 0.0


def _softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))


OPERATIONS: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b if a >= 0 or b == int(b) else inf,
    "min": min,
    "max": max,
    "clip": lambda x, low, high: min(max(x, low), high),
    "neg": lambda x: -x,
    "abs": abs,
    "exp": exp,
    "sqrt": sqrt,
    "erf": erf,
    "tanh": tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "relu": lambda x: max(x, 0.0),
    "hardsigmoid": lambda x, a, b: max(0.0, min(1.0, a * x + b)),
    "hardswish": lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    "mish": lambda x: x * tanh(_softplus(x)),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / sqrt(2))),
    "softsign": lambda x: x / (1 + abs(x)),
}

# Layers of their own wherever they stand, not steps of a function that is spelled out.
ALONE = frozenset(
    ["relu", "sigmoid", "tanh", "softplus", "hardsigmoid", "hardswish", "mish", "gelu", "softsign", "leaky"]
)

KNOWN: dict[str, Callable[[float], float]] = {
    "relu": OPERATIONS["relu"],
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "sigmoid": _sigmoid,
    "tanh": tanh,
    "softplus": _softplus,
    "silu": lambda x: x * _sigmoid(x),
    "gelu": OPERATIONS["gelu"],
    "hardsigmoid": lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    "hardswish": OPERATIONS["hardswish"],
    "mish": OPERATIONS["mish"],
}


def evaluate(tree: Tree, x: float) -> float:
    """The value of a function; infinity where it has none."""
    if isinstance(tree, str):
        return x
    if isinstance(tree, tuple):
        try:
            return OPERATIONS[tree[0]](*(evaluate(one, x) for one in tree[1:]))
        except (ArithmeticError, ValueError):
            return copysign(inf, x)
    return tree


def depth(tree: Tree) -> int:
    return 1 + max((depth(one) for one in tree[1:]), default=0) if isinstance(tree, tuple) else 0


def recognised(tree: Tree) -> str:
    """The layer type that computes a function, empty where there is none."""
    values = [evaluate(tree, x) for x in _POINTS]
    if not all(isfinite(one) for one in values):
        return ""
    for name, function in KNOWN.items():
        if all(abs(value - function(x)) <= _NEAR for x, value in zip(_POINTS, values, strict=True)):
            return name
    return ""
