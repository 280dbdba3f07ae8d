"""Model files that are broken at random: whatever a reader meets, it finds problems, and never fails.

ARCHCALC_MUTATIONS=1000000 takes longer; the numbers that make a file are printed where one escapes.
"""

import os
import random
import re
from importlib import import_module

import pytest
import test_caffe
import test_darknet
import test_keras_source
import test_torch7
import test_ultralytics

from archcalc.analysis.analyze import analyze
from archcalc.diagnostics import Refusal
from archcalc.volume import Volume

TIMES = int(os.environ.get("ARCHCALC_MUTATIONS", "150"))
SIZES = (None, Volume(32, 24, 3), Volume(1, 1, 1), Volume(227, 227, 3))
NUMBERS = ("0", "-1", "1", "2", "3", "99999999", "2147483648", "9" * 19, "0.5", "1e9", "1e-30", "nan", "inf", "")
_WORD = re.compile(r"[A-Za-z_][\w.]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

BRANCHES = """
s = nn.Sequential():add(nn.SpatialConvolution(3, 3, 3, 3, 1, 1, 1, 1))
model = nn.Sequential()
model:add(nn.ConcatTable():add(s):add(nn.Identity()))
model:add(nn.CAddTable(true)):add(s)
"""
SEEDS = {
    "caffe": [
        test_caffe.LENET,
        test_caffe.TRAIN_VAL,
        test_caffe.IMAGE + "".join(test_caffe.layer(one) for one in ("ReLU", "Scale", "BatchNorm", "LRN", "Power", "PReLU")),
        test_caffe.IMAGE
        + "layer { name: 's' type: 'Slice' bottom: 'data' top: 'a' top: 'b' slice_param { slice_point: 1 } }\n"
        + "layer { name: 'c' type: 'Crop' bottom: 'a' bottom: 'b' top: 'd' crop_param { offset: 1 } }\n"
        + "layer { name: 'e' type: 'Eltwise' bottom: 'a' bottom: 'd' top: 'f' eltwise_param { coeff: 1 coeff: 2 } }\n"
        + "layer { name: 'r' type: 'Reshape' bottom: 'f' top: 'g' reshape_param { shape { dim: 0 dim: -1 } } }\n",
    ],
    "darknet": [
        test_darknet.NET + "[conv]\nfilters=8\nsize=3\nbatch_normalize=1\n[shortcut]\nfrom=-1\n[reorg]\nstride=2\n[yolo]\n",
        test_darknet.NET + "[conv]\nfilters=8\n[route]\nlayers=-1,0\ngroups=2\ngroup_id=1\n[softmax]\ngroups=2\n[cost]\n",
        test_darknet.NET + "[local]\nsize=3\npad=1\n[crop]\ncrop_width=3\ncrop_height=4\n[upsample]\nstride=2\n[dropout]\n",
    ],
    "keras_source": test_keras_source.SEEDS,
    "torch7": [
        test_torch7.ALEXNET,
        test_torch7.one("SpatialMaxPooling(3, 3, 2, 2):ceil()"),
        BRANCHES,
    ],
    "ultralytics": [
        test_ultralytics.v5(0.33, 0.25),
        test_ultralytics.v8(),
        test_ultralytics.v8("Segment", "nc, 32, 256"),
        test_ultralytics.SMALL + "  - [-1, 2, C3Ghost, [32]]\n  - [[-1, 0], 1, Concat, [1]]\n  - [-1, 1, Focus, [32, 3]]\n",
    ],
}  # fmt: skip


def mutated(chance: random.Random, seeds: list[str], words: list[str]) -> bytes:
    """A seed with a few places changed: numbers and words for others, lines and stretches repeated or taken away."""
    text = chance.choice(seeds)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        found = list(chance.choice((_NUMBER, _WORD)).finditer(text))
        at, kind = chance.randrange(len(text) + 1), chance.randrange(6)
        if kind < 3 and found:
            one = chance.choice(found)
            text = text[: one.start()] + chance.choice(chance.choice((words, list(NUMBERS)))) + text[one.end() :]
        elif kind == 3:
            lines = text.split("\n")
            lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
            text = "\n".join(lines)
        elif kind == 4:
            text = text[:at] + text[at + chance.randrange(1, 30) :]
        else:
            text = text[:at] + chance.choice("(){}[]<>=:,\"'#*-/\\\0\u00fc\n") + text[at:]
    data = bytearray(text.encode())
    if data and chance.random() < 0.1:
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("name", SEEDS)
def test_a_broken_file_is_a_finding(name: str) -> None:
    reader = import_module(f"archcalc.interop.{name}")
    words = sorted({word for seed in SEEDS[name] for word in _WORD.findall(seed)})
    whole = 0
    for number in range(TIMES):
        chance = random.Random(f"{name} {number}")
        data = mutated(chance, SEEDS[name], words)
        try:
            reader.recognises(data, "net")
            found = reader.read(data, "net", input=chance.choice(SIZES))
            whole += analyze(found.graph).complete
        except Refusal:
            continue
        except Exception as error:
            raise AssertionError(f"mutation {number} of {name}: {data!r}") from error
    assert whole > TIMES // 50, "most mutations should not break the syntax"
