"""Operators of PyTorch -> layers, by the operator's name; every module of this folder enters its own.

In: a Call.  Out: the Value of every tensor the operator gave, or NotUnderstood.
Imports: interop.torch's call, layout and tracing; layers.
"""

import os
from importlib import import_module

from archcalc.interop.torch.operators._table import HANDLERS as HANDLERS
from archcalc.interop.torch.operators._table import Handler as Handler

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"{__name__}.{_file[:-3]}")
