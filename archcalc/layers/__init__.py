"""The layer types.  Every module in this folder is read; a new type or family touches one file."""

import os
from importlib import import_module

from archcalc.layers.base import TYPES, Cost, Key, Layer, Windowed

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"{__name__}.{_file[:-3]}")

__all__ = ["TYPES", "Cost", "Key", "Layer", "Windowed"]
