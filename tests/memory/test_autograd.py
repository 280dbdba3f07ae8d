"""What a step holds besides what is saved, at single moments, by hand: float32, one image."""

import archcalc
from archcalc.memory.results import Training


def training(spec: str) -> Training:
    found = archcalc.load(spec).plan().training
    assert found is not None
    return found


def test_a_layer_in_python_has_maps_that_pass_also_where_no_gradient_is_wanted() -> None:
    """Local response normalization writes two maps beside its output; tanh none.  Both are before the first trained layer."""
    one, other = (training(f"INPUT[8x8x4] -> {layer} -> GAP -> FC-2") for layer in ("LRN5", "TANH"))
    assert one.live[1] - other.live[1] == 2 * (8 * 8 * 4) * 4
    assert one.live[0] == other.live[0]
    assert one.live[2:] == other.live[2:]
