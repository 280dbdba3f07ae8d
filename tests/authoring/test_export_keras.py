"""Exports to Keras as Keras loads them: its count of parameters, its shapes, and its results with the weights of `verify`."""

import os
from typing import Any

import pytest
from exports import network

from archcalc.authoring.export import writer
from archcalc.verification.trace import trace

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]

SPECS = [
    *(f"zoo:{one}" for one in ("lenet5", "cifar10_toy", "squeezenet1_1", "mobilenet_v3_small", "resnet18", "dcgan", "se_resnext50", "mnasnet1_0")),
    "INPUT[12x10x4] -> CONV3-8p1d2 -> DWCONV2s2m2 -> DECONV3-4s2p1o1 -> CONV3-4psame -> CONV3-4phalf -> SEPCONV3-8p1 -> POOL3s1p1",
    "INPUT[12x10x4] -> RELU -> POOL2s1p1 -> AVGPOOL3s1p1 -> PAD1 -> CROP2 -> UPSAMPLE2 -> SIGMOID -> TANH -> SILU -> ELU -> SELU",
    "INPUT[12x10x4] -> GELU -> MISH -> HARDSWISH -> HARDSIGMOID -> LEAKY_RELU -> PRELU -> SOFTPLUS -> BN -> LAYER_NORM -> SOFTMAX",
    "INPUT[12x10x4] -> FC-64 -> CONV1-8 -> GAP -> BN -> FC-8 -> RELU6 -> FC-4",
]  # fmt: skip


def loaded(spec: str) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    return keras.models.model_from_json(writer("keras").write(network(spec)).decode())


@pytest.mark.parametrize("spec", SPECS)
def test_keras_computes_what_verify_does(spec: str) -> None:
    import numpy as np

    report, model = network(spec), loaded(spec)
    assert model.count_params() == report.totals.params + report.totals.buffers
    layers = list(trace(report))
    for row, weights, _ in layers[1:]:
        layer = model.get_layer(row.node.name.replace(".", "_"))
        kind, y = row.node.layer.type, row.output
        if kind != "deconv":  # which is cropped behind
            assert layer.output.shape[1:] in ((y.height, y.width, y.channels), (y.channels,))
        if weights:
            arrays = [weights[0].transpose(1, 2, 3, 0) if kind == "deconv" else weights[0], *weights[1:]]
            shapes = [tuple(one.shape) for one in layer.weights if "seed" not in one.path]
            layer.set_weights([one.reshape(shape) for one, shape in zip(arrays, shapes, strict=True)])
    ours = layers[-1].output
    theirs = np.asarray(model.predict(layers[0].output, verbose=0)).reshape(ours.shape)
    assert float(np.abs(theirs - ours).max()) < 1e-5 * float(np.abs(ours).max())


ZOO = [
    "alexnet_torchvision",
    "densenet121",
    "googlenet",
    "inception_v3",
    "mobilenet_v2",
    "regnet_y_400mf",
    "unet_bn",
    "vgg16",
]


@pytest.mark.parametrize("name", ZOO)
def test_keras_counts_as_archcalc_does(name: str) -> None:
    report = network(f"zoo:{name}")
    assert loaded(f"zoo:{name}").count_params() == report.totals.params + report.totals.buffers
