"""PyTorch models as networks: how many are whole, and exact against PyTorch's own figures; one table.

    python tests/benchmarks/torch_import.py [--timm 300] [NAME ...]

All of torchvision's convnets, segmentation models and detection backbones, and with --timm a sample that takes the
convolutional families of timm in turn.  Whole: no layer is opaque.  Exact: parameters = numel, multiply-accumulates =
FlopCounterMode / 2, bytes kept for the backward pass = saved_tensors_hooks at batch 2.
"""

import argparse
import random
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "interop"))

from measured import BATCH, measured

from archcalc.analysis.analyze import analyze
from archcalc.interop.torch.staging import made
from archcalc.memory.plan import retained
from archcalc.memory.settings import Settings
from archcalc.models import captured
from archcalc.volume import Volume

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


def torchvision_models() -> Iterator[tuple[str, Factory, Volume]]:
    from torchvision import models

    for name in models.list_models(module=models):
        if not name.startswith(("vit", "swin", "maxvit")):
            heads = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
            side = 299 if name == "inception_v3" else 224
            yield (
                name,
                partial(models.get_model, name, weights=None, **heads),
                Volume(side, side, 3),
            )
    for name in models.list_models(module=models.segmentation):
        yield name, partial(models.get_model, name, weights=None, weights_backbone=None), Volume(224, 224, 3)
    for name in models.list_models(module=models.detection):
        yield (
            f"{name}.backbone",
            partial(_backbone, name),
            Volume(300, 300, 3) if name.startswith("ssd") else Volume(320, 320, 3),
        )


def _backbone(name: str) -> Any:
    from torchvision import models

    return models.get_model(name, weights=None, weights_backbone=None).backbone


def timm_models(number: int) -> Iterator[tuple[str, Factory, Volume]]:
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
                channels, height, width = getattr(timm.get_pretrained_cfg(name), "input_size", (3, 224, 224))
                yield f"timm {name}", partial(timm.create_model, name), Volume(width, height, channels)


def judged(factory: Factory, volume: Volume) -> tuple[str, str]:
    """`whole`, `opaque` or `none`, and what differs or is not known."""
    try:
        found = captured(factory, volume)
    except Exception as error:  # noqa: BLE001 - one model of hundreds must not end the table
        return "none", f"{type(error).__name__}: {str(error)[:200]}"
    report = analyze(found.graph)
    model = made(factory)
    theirs = measured(model, (volume.channels, volume.height, volume.width))
    kept = retained(report, Settings())
    differences = {
        "parameters": report.totals.params + found.unused - theirs.parameters,
        "MACs": report.totals.macs - theirs.macs,
        "bytes": 0 if kept.program.unknown else sum(kept.saved) * BATCH + sum(kept.fixed) - theirs.saved,
    }
    opaque = [node.layer.label for node in found.graph.nodes if node.layer.type == "opaque"]
    said = [f"{name} {value:+,}" for name, value in differences.items() if value]
    said += [f"{number} x {label}" for label in dict.fromkeys(opaque) if (number := opaque.count(label))]
    return "opaque" if opaque else "whole", ", ".join(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only models whose name begins so")
    parser.add_argument("--timm", type=int, default=0, metavar="N", help="also N models of timm")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    counts = {"whole": 0, "opaque": 0, "none": 0, "exact": 0}
    for models in (torchvision_models(), timm_models(given.timm) if given.timm else ()):
        for name, factory, volume in models:
            if given.names and not name.startswith(tuple(given.names)):
                continue
            started = time.process_time()
            status, said = judged(factory, volume)
            counts[status] += 1
            counts["exact"] += status == "whole" and not said
            print(f"{name:44} {status:7} {time.process_time() - started:6.2f} s  {said or 'exact'}", flush=True)
    print(", ".join(f"{value} {name}" for name, value in counts.items()))


if __name__ == "__main__":
    main()
