"""Networks as people write them: every one is whole, and its figures are PyTorch's own."""

import pytest

torch = pytest.importorskip("torch")
from measured import compared  # noqa: E402 - it imports torch
from written_models import NETWORKS  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("name", NETWORKS)
def test_whole_and_exact(name: str) -> None:
    factory, shapes = NETWORKS[name]
    found = compared(factory, *shapes)
    assert not [one for one in found.findings if one.code == "AC820"]
    assert not [node.name for node in found.graph.nodes if node.layer.type == "opaque"]


def test_there_are_enough_of_them() -> None:
    assert len(NETWORKS) >= 20
