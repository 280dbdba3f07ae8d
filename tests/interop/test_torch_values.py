"""The layers of a network executed in NumPy with a PyTorch model's own weights: the model's own values."""

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import archcalc
from archcalc.analysis.analyze import analyze
from archcalc.cli import cli
from archcalc.models import captured
from archcalc.variants.match import compare_values

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from written_models import NETWORKS  # noqa: E402

pytestmark = pytest.mark.torch

TORCHVISION = [
    "resnet18",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "regnet_y_400mf",
    "convnext_tiny",
]


def own(factory: Any, *shapes: tuple[int, ...]) -> float:
    found = captured(factory, [torch.rand(1, *shape) for shape in shapes], values=True)
    result = compare_values(analyze(found.graph), found)
    assert result.parted is None
    return result.furthest


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_as_people_write_them(name: str) -> None:
    factory, shapes = NETWORKS[name]
    assert own(factory, *shapes) < 1e-4


@pytest.mark.parametrize("name", TORCHVISION)
def test_networks_of_torchvision(name: str) -> None:
    models = pytest.importorskip("torchvision").models
    assert own(lambda: models.get_model(name, weights=None), (3, 64, 64)) < 1e-4


def lively(module: Any) -> Any:
    """Norms of random statistics, so that their eps and their order count."""
    generator = torch.Generator().manual_seed(0)
    for one in module.modules():
        if isinstance(one, nn.BatchNorm2d):
            for tensor in (one.weight.data, one.bias.data, one.running_mean, one.running_var):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.1 + 0.01)
    return module


def net(eps: float = 1e-5, slope: float = 0.01) -> Any:
    torch.manual_seed(1)
    return lively(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, eps=eps), nn.LeakyReLU(slope), nn.Conv2d(4, 2, 1)
        )
    )


SPEC = "INPUT[8x8x3] -> CONV3-4p1 -> BN -> LEAKY_RELU -> CONV1-2"


@pytest.mark.parametrize(
    ("keys", "first"),
    [({"eps": 1e-2}, "model.1"), ({"slope": 0.2}, "model.2"), ({"eps": 1e-2, "slope": 0.2}, "model.1")],
)
def test_what_only_values_tell_is_found_where_it_begins(keys: dict[str, float], first: str) -> None:
    spec = archcalc.load(SPEC).report
    found = captured(lambda: net(**keys), "8x8x3", values=True)
    result = compare_values(spec, found)
    assert not result.equal
    assert result.parted is not None
    assert found.graph.nodes[result.parted[0]].name == first
    right = captured(net, "8x8x3", values=True)
    assert compare_values(spec, right).equal


def test_weights_in_another_order_are_found() -> None:
    """A check of the check: the same shapes with their values dealt out otherwise."""
    found = captured(net, "8x8x3", values=True)
    kernel = found.drafts[1].weights[0]
    kernel.data.copy_(kernel.data.flip(0).clone())  # behind the back of the run
    result = compare_values(archcalc.load(SPEC).report, found)
    assert result.parted is not None
    assert result.parted[0] == 1


def test_images_in_which_a_model_works_are_kept() -> None:
    class Own(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.sub_(0.5).mul_(2).relu_()

    assert own(lambda: nn.Sequential(Own(), nn.Conv2d(3, 2, 1)), (3, 4, 5)) < 1e-6


def test_flattened_in_another_order() -> None:
    """Channels last, then flat: which weight reads which value is the layout's to say."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3 * 4 * 5, 7)

        def forward(self, x: Any) -> Any:
            return self.fc(x.permute(0, 2, 3, 1).flatten(1))

    assert own(Last, (3, 4, 5)) < 1e-6


def test_what_cannot_be_executed() -> None:
    class Erf(nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.erf(x)

    found = captured(lambda: nn.Sequential(Erf(), nn.ReLU()), "8x8x3", values=True)
    with pytest.raises(ValueError, match=r"^values cannot be computed through what is opaque: model.0$"):
        compare_values(analyze(found.graph), found)
    with pytest.raises(ValueError, match=r"^values are compared of networks that match$"):
        compare_values(archcalc.load("INPUT[8x8x3] -> RELU").report, captured(net, "8x8x3", values=True))


# -- the command and the fixture -----------------------------------------------------------------------

MINE = """
from torch import nn, cat

def net(eps=1e-5):
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, eps=eps), nn.LeakyReLU(), nn.Conv2d(4, 2, 1))
    layers[1].running_var.fill_(0.01)
    return layers

def other():
    return net(0.1)

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(1, 4, 1)

    def forward(self, image, mask):
        return cat([self.a(image), self.b(mask)], 1)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("mine", None)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["match", *words], standalone_mode=False)


def test_the_command(folder: Path) -> None:
    result = run("--values", SPEC, "torch:mine:net")
    assert result.return_value == 0
    assert result.stdout.splitlines()[-1].startswith("values agree: the results are ")
    result = run("--values", SPEC, "torch:mine:other")
    assert result.return_value == 1
    assert "values differ: the results are " in result.stdout
    assert "; model.1 is the first layer, by " in result.stdout
    result = run("--values", "--format", "json", SPEC, "torch:mine:net")
    assert result.stdout.startswith("{")
    held, values = result.stderr.splitlines()
    assert held.startswith("torch:mine:net: info[AC825]: it holds ")
    assert values.startswith("values agree: ")
    result = run("--values", SPEC + " -> RELU", "torch:mine:net")
    assert result.return_value == 1
    assert "values" not in result.stdout
    assert run("--values", SPEC, SPEC).exception is not None


def test_several_inputs(folder: Path) -> None:
    (folder / "two.yaml").write_text(
        "inputs: {image: 8x9x3, mask: 8x9x1}\nlayers:\n"
        "- conv: {name: a, filters: 4, kernel_size: 1, from: image}\n"
        "- conv: {name: b, filters: 4, kernel_size: 1, from: mask}\n"
        "- concat: {inputs: [a, b]}\n"
    )
    result = run("--values", "two.yaml", "torch:mine:Two")
    assert result.return_value == 0, result.stdout + result.stderr
    words = ["report", "torch:mine:Two", "--input", "image=8x9x3", "--input", "mask=8x9x1", "--format", "json"]
    report = CliRunner().invoke(cli, words, standalone_mode=False)
    assert report.return_value == 0
    assert '"name": "mask"' in report.stdout


def test_the_fixture(architecture: Any) -> None:
    assert architecture(SPEC).matches(net(), values=True)
    with pytest.raises(AssertionError, match=r"Sequential does not give what .* gives: .* apart, first in model.1$"):
        architecture(SPEC).matches(net(eps=1e-2), values=True)
