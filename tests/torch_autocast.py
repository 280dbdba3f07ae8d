"""CUDA's rules of autocast for tensors of the CPU, since autograd does not run backward on CUDA's fake tensors without a device.

Which operation is cast how, PyTorch says itself: one with a kernel of autocast for CUDA and none for the CPU computes in
float32 (all that the networks of the tests use), one with a kernel for the CPU alone is not cast on CUDA.  That the
results have the types that CUDA's own dispatch gives is tested.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch.utils._pytree import tree_map  # noqa: E402

NARROW = (torch.float16, torch.bfloat16)
# of the operations that only CUDA casts, those that networks here use; the widths of sums and softmaxes are an argument
SINGLE: tuple[str, ...] = (
    "group_norm",
    "layer_norm",
    "rms_norm",
    "linalg_vector_norm",
    "norm.Scalar",
    "norm.ScalarOpt_dim",
    "softplus",
)
SINGLE += ("pow.Scalar", "pow.Tensor_Scalar", "pow.Tensor_Tensor", "exp", "log", "rsqrt", "reciprocal")
SINGLE += ("upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d")
TYPED = ("softmax.int", "log_softmax.int", "sum", "sum.dim_IntList")
ONLY_CPU = ("cat", "reflection_pad2d", "replication_pad2d", "cross_entropy_loss", "avg_pool3d")


def _single(op: Any) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        def widened(one: Any) -> Any:
            return one.float() if isinstance(one, torch.Tensor) and one.dtype in NARROW else one

        args, kwargs = tree_map(widened, (args, kwargs))
        with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU)):
            return op(*args, **kwargs)

    return run


def _typed(op: Any) -> Callable[..., Any]:
    """Sums and softmaxes take the type as their last argument; of float16, CUDA's softmax reads and writes it at once."""
    places = len(op._schema.arguments) - sum(one.kwarg_only for one in op._schema.arguments)
    fused = {"aten::softmax": torch.ops.aten._softmax, "aten::log_softmax": torch.ops.aten._log_softmax}.get(
        op._schema.name
    )

    def run(x: Any, *args: Any, **kwargs: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU)):
            if fused and x.dtype == torch.float16:
                return fused(x, args[0], True)
            if x.dtype in NARROW:
                args = args[: places - 2] if fused else args
                kwargs = {**kwargs, "dtype": torch.float32}
            return op(x, *args, **kwargs)

    return run


@contextmanager
def as_cuda() -> Iterator[None]:
    """Within, autocast of the CPU casts as that of CUDA does."""
    library = torch.library.Library("aten", "IMPL")
    try:
        for names, made in ((SINGLE, _single), (TYPED, _typed)):
            for name in names:
                packet, _, overload = name.partition(".")
                op = getattr(getattr(torch.ops.aten, packet), overload or "default")
                library.impl(name, made(op), "AutocastCPU", allow_override=True)
        for name in ONLY_CPU:
            library.impl(name, torch.library.fallthrough_kernel, "AutocastCPU", allow_override=True)
        yield
    finally:
        library._destroy()
