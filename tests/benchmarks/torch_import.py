"""PyTorch models as networks: how many are whole, and exact against PyTorch's own figures; one table.

    python tests/benchmarks/torch_import.py --timm 300 --results build/torch.csv --page docs/torch_models.md

All of torchvision's convnets, segmentation models and detection backbones, networks as people write them, and with --timm a
sample that takes the convolutional families of timm in turn.  Whole: no layer is opaque.  Exact: parameters = numel,
multiply-accumulates = FlopCounterMode / 2, bytes kept for the backward pass = saved_tensors_hooks at batch 2.  What is
imported is a folded spec, whose lines are counted, and which is read back: the same network.

With --results every row is kept as it is found, and what is there already is not measured again.
"""

import argparse
import csv
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))

import torch
from measured import BATCH, measured
from written_models import NETWORKS

from archcalc.analysis.analyze import analyze
from archcalc.architecture import examine
from archcalc.authoring.folding import fold
from archcalc.diagnostics import SpecError
from archcalc.graph import Graph
from archcalc.interop.torch.staging import made
from archcalc.language.specfile import SpecText
from archcalc.memory.plan import retained
from archcalc.memory.settings import Settings
from archcalc.models import captured
from archcalc.variants.match import match

TIMM = [
    "byobnet", "convmixer", "convnext", "cspnet", "cspnext", "densenet",
    "dla", "dpn", "efficientnet", "fasternet", "fastvit", "focalnet",
    "ghostnet", "hardcorenas", "hgnet", "hrnet", "inception_next", "inception_resnet_v2",
    "inception_v3", "inception_v4", "lcnetv2", "mambaout", "metaformer", "mobilenetv3",
    "nasnet", "nfnet", "pnasnet", "rdnet", "regnet", "repghost",
    "repvit", "res2net", "resnest", "resnet", "resnetv2", "rexnet",
    "selecsls", "senet", "sknet", "starnet", "tresnet", "vgg",
    "vovnet", "xception", "xception_aligned",
]  # fmt: skip
Factory = Callable[[], Any]
Model = tuple[str, Factory, tuple[tuple[int, ...], ...]]  # a name, what makes it, its inputs as C, H, W


class Result(NamedTuple):
    """A row of the table; status is `whole`, `opaque` or `none`, seconds are of the capture alone."""

    group: str
    name: str
    status: str
    said: str  # what differs or is not known; empty: exact
    layers: int
    lines: int  # of the folded spec; 0: it does not read back as the same network
    seconds: float


def image(side: int) -> tuple[tuple[int, ...], ...]:
    return ((3, side, side),)


def torchvision_models() -> Iterator[Model]:
    from torchvision import models

    for name in models.list_models(module=models):
        if not name.startswith(("vit", "swin", "maxvit")):
            heads = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
            side = 299 if name == "inception_v3" else 224
            yield (
                name,
                partial(models.get_model, name, weights=None, **heads),
                image(side),
            )
    for name in models.list_models(module=models.segmentation):
        yield name, partial(models.get_model, name, weights=None, weights_backbone=None), image(224)
    for name in models.list_models(module=models.detection):
        yield (
            f"{name}.backbone",
            partial(_backbone, name),
            image(300 if name.startswith("ssd") else 320),
        )


def _backbone(name: str) -> Any:
    from torchvision import models

    return models.get_model(name, weights=None, weights_backbone=None).backbone


def written_models() -> Iterator[Model]:
    for name, (factory, shapes) in NETWORKS.items():
        yield name, factory, shapes


def timm_models(number: int) -> Iterator[Model]:
    """A sample of every family in turn, the same in every run of one version of timm."""
    import timm

    pools = [timm.list_models(module=family) for family in TIMM]
    for pool in pools:
        random.Random(0).shuffle(pool)
    taken = 0
    while taken < number and any(pools):
        for pool in filter(None, pools):
            if taken < number:
                name = pool.pop()
                taken += 1
                shape = getattr(timm.get_pretrained_cfg(name), "input_size", (3, 224, 224))
                yield name, partial(timm.create_model, name), (shape,)


def judged(group: str, name: str, factory: Factory, shapes: tuple[tuple[int, ...], ...]) -> Result:
    inputs = [torch.empty(1, *shape, device="meta") for shape in shapes]
    try:
        model = made(factory)
        started = time.process_time()
        try:
            found = captured(model, inputs)
        except SpecError:  # its forward pass computes
            found = captured(factory, inputs)
    except Exception as error:  # noqa: BLE001 - one model of hundreds must not end the table
        return Result(group, name, "none", f"{type(error).__name__}: {str(error)[:200]}", 0, 0, 0.0)
    seconds = time.process_time() - started
    report = analyze(found.graph)
    theirs = measured(model, *shapes)
    kept = retained(report, Settings())
    differences = {
        "parameters": report.totals.params + found.unused - theirs.parameters,
        "MACs": report.totals.macs - theirs.macs,
        "bytes": 0 if kept.execution.unknown else sum(kept.saved) * BATCH + sum(kept.fixed) - theirs.saved,
    }
    opaque = [node.layer.label for node in found.graph.nodes if node.layer.type == "opaque"]
    said = [f"{what} {value:+,}" for what, value in differences.items() if value]
    said += [f"{number} x {label}" for label in dict.fromkeys(opaque) if (number := opaque.count(label))]
    status = "opaque" if opaque else "whole"
    return Result(group, name, status, ", ".join(said), len(report.rows), folded(found.graph), seconds)


def folded(graph: Graph) -> int:
    """The lines of the spec that import writes; 0 where it does not read back as the same network."""
    try:
        text = fold(graph)
        back = examine(SpecText("imported.yaml", text))
    except Exception as error:  # noqa: BLE001 - as above
        print(f"  not folded: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        return 0
    return text.count("\n") if match(analyze(graph), back.report, strict=True).equal else 0


def page(results: list[Result]) -> str:
    """The table as Markdown: a line for each group, and one for each model that is not whole or not exact."""
    from importlib.metadata import version

    lines = [
        "# PyTorch models that were read\n",
        (
            f"Written by `python tests/benchmarks/torch_import.py`, with torch {version('torch')}, torchvision "
            f"{version('torchvision')} and timm {version('timm')}. Whole: no layer is opaque. Exact: the parameters are numel's, the "
            "multiply-accumulates FlopCounterMode's, the bytes that autograd keeps at batch 2 those of saved_tensors_hooks. Lines are "
            "those of the folded spec that `archcalc import` writes; seconds are of one core.\n"
        ),
        "| models | | whole | of these exact | folded and read back | median lines | median seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for group in dict.fromkeys(one.group for one in results):
        mine = [one for one in results if one.group == group]
        whole = [one for one in mine if one.status == "whole"]
        read = [one for one in mine if one.lines]
        lines.append(
            f"| {group} | {len(mine)} | {len(whole)} | {sum(not one.said for one in whole)} | {len(read)} "
            f"| {median(one.lines for one in read) if read else 0:g} | {median(one.seconds for one in mine):.2f} |"
        )
    rest = [one for one in results if one.said]
    if rest:
        lines += ["\n## What is not whole, or not exact\n", "| model | | |", "|---|---|---|"]
        lines += [f"| {one.name} | {one.status} | {one.said} |" for one in rest]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only models whose name begins so")
    parser.add_argument("--timm", type=int, default=0, metavar="N", help="also N models of timm")
    parser.add_argument("--results", type=Path, metavar="CSV", help="keep every row here, and go on from what is there")
    parser.add_argument("--page", type=Path, metavar="MD", help="write the table here")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    results: list[Result] = []
    if given.results and given.results.exists():
        with given.results.open(newline="") as file:
            results = [Result(a, b, c, d, int(e), int(f), float(g)) for a, b, c, d, e, f, g in csv.reader(file)]
    there = {(one.group, one.name) for one in results}
    groups = {"torchvision": torchvision_models(), "as people write them": written_models()}
    groups["timm"] = timm_models(given.timm)
    for group, models in groups.items():
        for name, factory, shapes in models:
            if (group, name) in there or (given.names and not name.startswith(tuple(given.names))):
                continue
            one = judged(group, name, factory, shapes)
            results.append(one)
            print(
                f"{name:44} {one.status:7} {one.lines:4} lines {one.seconds:6.2f} s  {one.said or 'exact'}", flush=True
            )
            if given.results:
                with given.results.open("a", newline="") as file:
                    csv.writer(file).writerow(one)
    text = page(results)
    print(text)
    if given.page:
        given.page.write_text(text)


if __name__ == "__main__":
    main()
