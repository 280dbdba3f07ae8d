"""Plans of networks that were analysed already: ResNet-50, and a chain of 10,000 layers.

Run from an installation with compiled bytecode: `python tests/benchmarks/bench_plan.py`.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from timing import line, seconds

import archcalc

CHAIN = "INPUT[8x8x4] -> [CONV3-4p1 -> RELU]*5000 -> FC-3"
KINDS: list[dict[str, Any]] = [{}, {"device": "cuda", "dtype": "mixed_float16"}, {"convention": "arena"}]


def main() -> None:
    """The least and the median time, as a machine that is shared is slow at times."""
    line("warm, a plan of", "least, ms", "median, ms", "options")
    for spec, times in (("zoo:resnet50", 101), (CHAIN, 5)):
        network = archcalc.load(spec)
        for options in KINDS:
            network.plan(**options)
            took = sorted(seconds(partial(network.plan, **options)) for _ in range(times))
            said = ", ".join(f"{name}={value}" for name, value in options.items())
            line(spec[:44], f"{took[0] * 1e3:.2f}", f"{took[times // 2] * 1e3:.2f}", said)


if __name__ == "__main__":
    main()
