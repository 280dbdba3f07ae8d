"""verify's forward against PyTorch's and against the rate of `matmul`, in the same run with the same threads.

`python tests/benchmarks/bench_verify.py`; without the torch extra only the rates of `matmul` are printed.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from timing import line, python, ratio, seconds

import archcalc
from archcalc.language.specfile import zoo_names
from archcalc.verification.verify import verify

TIMES = 7


def blas() -> tuple[str, str, int]:
    """The BLAS NumPy was built with, the kernel it has chosen, and its threads."""
    name = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    maps = Path("/proc/self/maps")
    paths = {one.split()[-1] for one in maps.read_text().splitlines()} if maps.exists() else set()
    for path in sorted(one for one in paths if "openblas" in one):
        library = ctypes.CDLL(path)
        for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
            try:
                core = getattr(library, f"{prefix}openblas_get_corename{suffix}")
                threads = getattr(library, f"{prefix}openblas_get_num_threads{suffix}")
            except AttributeError:
                continue
            core.restype = ctypes.c_char_p
            return name, core().decode(), threads()
    return name, "unknown kernel", 0


def matmul_rate() -> float:
    """Multiply-accumulates a second of a square product, the best of several."""
    a = np.random.default_rng(0).random((2048, 2048), np.float32)
    out = np.empty_like(a)
    run: Callable[[], object] = partial(np.matmul, a, a, out=out)
    run()
    return 2048**3 / min(seconds(run) for _ in range(5))


def rates(name: str) -> None:
    """The convolutions' rate over the rate of `matmul`: taken in turn, the best of each."""
    report = archcalc.load(f"zoo:{name}").analyze()
    peak = rate = 0.0
    for _ in range(TIMES):
        peak = max(peak, matmul_rate())
        convs = [one for one in verify(report).layers if one.row.node.layer.type == "conv"]
        rate = max(rate, sum(one.row.cost.macs for one in convs) / sum(one.seconds for one in convs))
    line(f"{name}: convolutions", f"{2 * rate / 1e9:.0f} GFLOP/s", "", f"{rate / peak:.0%} of matmul's rate")


def against_torch(name: str, models: Any, torch: Any) -> None:
    report = archcalc.load(f"zoo:{name}").analyze()
    network = getattr(models, name)(weights=None).eval()
    image = torch.randn(1, 3, 224, 224)

    def theirs() -> float:
        with torch.no_grad():
            return seconds(lambda: network(image))

    theirs(), verify(report)
    pairs = sorted(
        (ours := verify(report).forward_seconds, torchs := theirs(), ours / torchs)[::-1] for _ in range(TIMES)
    )
    quotient, torchs, ours = pairs[TIMES // 2]
    line(f"{name}: forward, batch 1", f"{ours:.3f} s", f"{torchs:.3f} s", f"{quotient:.2f} x PyTorch's")


def processes() -> None:
    ours = python("import archcalc; assert archcalc.load('zoo:vgg16').verify().ok")
    code = "import torch, torchvision; torchvision.models.vgg16(weights=None).eval()(torch.zeros(1, 3, 224, 224))"
    mine, theirs, quotient = ratio(ours, python(code), 3)
    line("vgg16: whole process, weights included", f"{mine:.2f} s", f"{theirs:.2f} s", f"{quotient:.2f} x PyTorch's")


def main() -> None:
    name, core, threads = blas()
    line(f"NumPy {np.__version__}, {name}, {core}, {threads} threads")
    for one in ("vgg16", "resnet50"):
        if one in zoo_names():
            rates(one)
    try:
        import torch
        from torchvision import models
    except ImportError:
        line("PyTorch is not installed: nothing to compare with")
        return
    line(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
    for one in ("vgg16", "resnet50"):
        if one in zoo_names():
            against_torch(one, models, torch)
    processes()


if __name__ == "__main__":
    main()
