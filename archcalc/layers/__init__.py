"""The layer types: a type is one class with its keys, shape rule, costs, windows, autograd bytes and NumPy forward.

In: values of keys, volumes, arrays.  Out: volumes, costs, arrays.  A new type touches one file, found by itself: in a
family here, which is imported at every start, or `further/TYPE.py`, imported when a spec mentions the type.
Imports: the ground, reader (kinds of values), forward.
"""

import os
from importlib import import_module

from archcalc.layers.base import TYPES, Cost, Key, Layer, Windowed

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"{__name__}.{_file[:-3]}")
for _file in sorted(os.listdir(os.path.join(os.path.dirname(__file__), "further"))):
    if _file.endswith(".py") and not _file.startswith("_"):
        TYPES.offer(_file[:-3], f"{__name__}.further.{_file[:-3]}")

__all__ = ["TYPES", "Cost", "Key", "Layer", "Windowed"]
