"""Names of nodes: the paths of the modules they come from."""

import re
from collections import Counter
from collections.abc import Sequence

from archcalc.interop.torch.tracing import Draft
from archcalc.regex import regex

MOST = 128  # characters of a name
_WRAPPED = regex(r"(^|\.)(_orig_mod|_fsdp_wrapped_module)(?=\.|$)")


def names(drafts: Sequence[Draft], owners: Sequence[str]) -> list[str]:
    """One name a node.  `owners` has the path of the module whose weights a node reads, empty where it reads none.

    A layer with weights has the path of their module, another that of the module that is called, if nothing else is in
    that, or stands in it by its type: `layer1.0.add`.  What comes again is numbered.
    """
    alone = Counter(draft.where.call for draft in drafts)
    found: list[str] = []
    taken: set[str] = set()
    counts: Counter[str] = Counter()
    for draft, owner in zip(drafts, owners, strict=True):
        where = draft.where
        single = where.path and where.leaf and alone[where.call] == 1
        plain = owner or (where.path if single else ".".join(filter(None, (where.path, draft.layer.type))))
        plain = writable(plain)
        name = plain
        while name in taken:
            counts[plain] += 1
            name = f"{plain}_{counts[plain] + 1}"
        taken.add(name)
        found.append(name)
    return found


def module_of(parameter: str) -> str:
    """The path of the module that holds a parameter, also one that is parametrized or wrapped."""
    path = parameter.rpartition(".")[0]
    return path.partition(".parametrizations.")[0] if ".parametrizations." in f"{path}." else path


def writable(path: str) -> str:
    """A path as archcalc writes names: what a Sequential numbers gets `model.` before it."""
    text = re.sub(r"[^A-Za-z0-9_./-]", "_", _WRAPPED.sub("", path).lstrip("."))
    if not re.match(r"[A-Za-z_]", text):
        text = f"model.{text}"
    return text if len(text) <= MOST - 8 else text[: MOST - 8]
