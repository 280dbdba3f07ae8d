"""Darknet's cfg files: `[net]`, then a section a layer, as pjreddie/darknet and AlexeyAB/darknet read them.

Layers have no names but their numbers, so `[convolutional]` 3 is `conv3`, with `conv3.bn` and `conv3.leaky` behind it.
What differs from other tools: `pad=1` pads size/2; a max pool pads size - 1 in total, (size - 1)/2 of it on the left and
top, and rounds down; an activation that is not given is logistic; of keys given twice the first counts; a convolution
with batch norm has no bias but the norm's.  `cost` and the detection heads (`yolo`, `region`, `detection`) compute
nothing that has a size: what they read are the network's outputs.
"""

import re
from typing import TYPE_CHECKING

from archcalc.diagnostics import Refusal, Span
from archcalc.interop._darknet_cfg import parsed
from archcalc.interop._darknet_layers import LAYERS
from archcalc.interop._darknet_net import Net
from archcalc.interop.reading import (
    OVERSIZED,
    UNREADABLE,
    Draft,
    Reading,
    text_of,
)
from archcalc.reader.text import split_lines
from archcalc.regex import regex
from archcalc.volume import Volume

if TYPE_CHECKING:
    from mmap import mmap

NAME = "Darknet cfg"
LIMIT = 1 << 20  # bytes; the longest of the public ones has 40,000

_BEGINNING = regex(rb"(?:\xef\xbb\xbf)?(?:[ \t\r]*(?:[#;][^\n]*)?\n)*[ \t]*\[(?:net|network)\]")
_LAYER = regex(rb"^[ \t]*\[(?:conv|conn|max|route|rnn|gru|lstm|crnn|local|deconv|dropout|avg|soft)", re.MULTILINE)


def recognises(data: bytes, path: str) -> bool:
    """A file whose first section is `[net]`, with a layer behind it."""
    return bool(_BEGINNING.match(data) and _LAYER.search(data))


def read(data: "bytes | mmap", path: str, *, input: Volume | None = None) -> Reading:
    if len(data) > LIMIT:
        raise Refusal(OVERSIZED, f"the file has more than {LIMIT >> 20} MiB, the limit", Span(1, 1, 1, 1))
    lines = split_lines(text_of(data))
    draft = Draft()
    sections = parsed(lines, draft.problems)
    if not sections:
        raise Refusal(UNREADABLE, "the file has no section", Span(1, 1, 1, 1))
    net = Net(draft, sections[0], input)
    for section in sections[1:]:
        net.read(section, LAYERS.get(section.kind))
    return draft.reading(net.outputs())
