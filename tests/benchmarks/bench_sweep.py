"""Networks a second: a sweep on one core, beside `load().analyze()` in a loop and, where it can be imported, torchinfo.

Run from an installation with compiled bytecode: `python tests/benchmarks/bench_sweep.py`.  Seconds of this process's CPU are
counted, as a machine that is shared is slow at times.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from timing import line

import archcalc

SPECS = Path(__file__).parents[2] / "specs"
CHUNKS = 24


def variants(folder: Path) -> dict[str, str]:
    """VGG-16's pattern with five widths, ResNet-50 with four."""
    vgg = (SPECS / "vgg16_pattern.yaml").read_text(encoding="utf-8")
    vgg = vgg.replace("K: 2}", "K: 2, a: 64, b: 128, c: 256, d: 512, e: 512}")
    vgg = vgg.replace("[64, 128, 256, 512, 512]", "[$a, $b, $c, $d, $e]")
    resnet = (SPECS / "resnet50.yaml").read_text(encoding="utf-8")
    resnet = resnet.replace("vars: {", "vars: {a: 64, b: 128, c: 256, d: 512, ")
    for name, width in zip("abcd", (64, 128, 256, 512), strict=True):
        resnet = resnet.replace(f"width: {width}, depth", f"width: ${name}, depth")
    for name, text in {"vgg": vgg, "resnet": resnet}.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return {name: str(folder / f"{name}.yaml") for name in ("vgg", "resnet")}


def rate(spec: str, **options: Any) -> float:
    """Networks a second of CPU, behind the first chunk, in which the structures are traced."""
    sweep = archcalc.sweep(spec, **options)
    worker, keep = sweep.request.worker(), sweep.request.keep
    kept = keep.of(worker.chunk(0)[0])
    start, networks = time.process_time(), 0
    for number in range(1, min(CHUNKS, sweep.request.points.chunks)):
        rows, tally = worker.chunk(number)
        kept = keep.merged(kept, rows)
        networks += tally.networks
    return networks / (time.process_time() - start)


def one_by_one(run: Callable[[int], object], times: int) -> float:
    run(0)
    start = time.process_time()
    for number in range(1, times + 1):
        run(number)
    return times / (time.process_time() - start)


def main() -> None:
    line("networks a second of one core", "a second", "", "figures")
    with tempfile.TemporaryDirectory() as folder:
        specs = variants(Path(folder))
        five = {name: range(16, 513, 8) for name in "abcde"}
        four = {"a": range(32, 129, 2), "b": range(64, 257, 4), "c": range(128, 513, 8), "d": range(256, 1025, 16)}
        for name, spec, vary, options in (
            ("VGG-16's pattern, 5 widths", specs["vgg"], five, {"figures": "params,macs,flops,activations"}),
            ("the same, with a front", specs["vgg"], five, {"pareto": "params,macs:max", "where": "params <= 100M"}),
            ("ResNet-50, 4 widths", specs["resnet"], four, {"figures": "params,macs,training_memory at batch 32"}),
            (
                "the same, with a front",
                specs["resnet"],
                four,
                {"pareto": "params,macs:max,training_memory at batch 32"},
            ),
        ):
            line(name, f"{rate(spec, vary=vary, **options):,.0f}", "", str(options)[:60])
        for name in ("vgg", "resnet"):
            alone = one_by_one(lambda n, name=name: archcalc.load(specs[name], set={"a": 16 + n}).analyze(), 20)  # type: ignore[misc]
            line(f"load().analyze() in a loop, {name}", f"{alone:,.0f}")
            program = archcalc.compile_spec(specs[name])
            warm = one_by_one(lambda n, program=program: _planned(program, n), 20)  # type: ignore[misc]
            line(f"compile_spec() once, analyse and plan each, {name}", f"{warm:,.0f}")
    try:
        import torch
        from torchinfo import summary
        from torchvision.models import vgg16
    except ImportError:
        return
    with torch.device("meta"):
        model = vgg16()
    known = one_by_one(lambda n: summary(model, (1, 3, 224, 224), device="meta", verbose=0), 5)
    line("torchinfo, VGG-16 on the meta device", f"{known:,.1f}")


def _planned(program: archcalc.Program, number: int) -> object:
    from archcalc.architecture import from_graph

    return from_graph(program.graph({"a": 16 + number})).plan(batch=32)


if __name__ == "__main__":
    main()
