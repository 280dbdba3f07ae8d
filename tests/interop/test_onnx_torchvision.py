"""Networks as PyTorch exports them: every tensor's shape, every float, against the onnx package and the module itself."""

import io
import warnings
from typing import Any

import pytest

pytest.importorskip("onnx")
from onnx_oracle import agrees

pytestmark = pytest.mark.torch

NETWORKS = {
    "resnet18": 224,
    "squeezenet1_0": 224,
    "squeezenet1_1": 224,
    "densenet121": 224,
    "googlenet": 224,
    "inception_v3": 299,
    "mobilenet_v2": 224,
    "mobilenet_v3_small": 224,
    "mobilenet_v3_large": 224,
    "shufflenet_v2_x0_5": 224,
    "shufflenet_v2_x1_0": 224,
    "mnasnet0_5": 224,
    "mnasnet1_0": 224,
    "efficientnet_b0": 224,
    "regnet_y_400mf": 224,
    "regnet_x_400mf": 224,
    "resnet50": 224,
    "convnext_tiny": 224,
}


def exported(name: str, size: int, *, training: bool = False) -> tuple[Any, Any]:
    """The module and its ONNX model; in training mode batch norms are not folded."""
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    onnx = pytest.importorskip("onnx")
    options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    module = getattr(models, name)(weights=None, **options).eval()
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mode = torch.onnx.TrainingMode.PRESERVE if training else torch.onnx.TrainingMode.EVAL
        folding = {"do_constant_folding": not training, "training": mode, "opset_version": 17}
        torch.onnx.export(module, (torch.zeros(1, 3, size, size),), file, dynamo=False, **folding)
    return module, onnx.load_from_string(file.getvalue())


@pytest.mark.parametrize("name", NETWORKS)
def test_an_export_is_read_whole(name: str) -> None:
    module, model = exported(name, NETWORKS[name])
    report = agrees(model)
    assert str(report.output) == "[1x1x1000]"
    trained = sum(one.numel() for one in module.parameters())
    assert report.totals.params == pytest.approx(trained, rel=0.01)  # folding drops what batch norms had of their own
    convolutions = [row for row in report.rows if row.node.layer.type in ("conv", "dwconv", "fc")]
    kinds = ("Conv2d", "Linear")
    assert len(convolutions) == sum(type(one).__name__ in kinds for one in module.modules())


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "efficientnet_b0"])
def test_with_its_batch_norms_it_is_the_module_to_the_parameter(name: str) -> None:
    module, model = exported(name, 224, training=True)
    totals = agrees(model).totals
    assert totals.params == sum(one.numel() for one in module.parameters())
    assert totals.buffers == sum(one.numel() for name, one in module.named_buffers() if "num_batches" not in name)
