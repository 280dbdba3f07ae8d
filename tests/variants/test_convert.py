"""fc layers as convolutions: same parameters, shapes as published, and refusals that say why."""

from pathlib import Path

import pytest
from click.testing import Result
from runner import CliRunner

import archcalc
from archcalc.cli import cli
from archcalc.language.specfile import zoo_names
from archcalc.variants.convert import Conversion, fc_to_conv
from archcalc.volume import Volume

PADDING_FREE = "INPUT[8x8x3] -> CONV3-4 -> RELU -> POOL2 -> FLATTEN -> DROPOUT -> FC-10 -> RELU -> FC-3"


def converted(spec: str, input: Volume | None = None) -> Conversion:
    found, problems = fc_to_conv(archcalc.load(spec).analyze(), input)
    assert found is not None, problems
    return found


def reasons(spec: str, input: Volume | None = None) -> list[str]:
    found, problems = fc_to_conv(archcalc.load(spec).analyze(), input)
    assert found is None
    return [f"{one.code} {one.message}" for one in problems]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["convert", *arguments], standalone_mode=False)


def test_vgg16_at_384() -> None:
    report = converted("zoo:vgg16", Volume(384, 384, 3)).report
    volumes = {row.node.name: row.output for row in report.rows}
    assert volumes["pool5"] == (12, 12, 512)
    assert (volumes["fc1"], volumes["fc2"], report.output) == ((6, 6, 4096), (6, 6, 4096), (6, 6, 1000))
    assert report.totals.params == 138_357_544


def test_the_first_fc_of_vgg16_is_a_7x7_convolution() -> None:
    (first, conv), second, third = converted("zoo:vgg16").replaced
    assert (first.node.name, conv.node.layer.label, conv.cost.params) == ("fc1", "CONV7-4096", 102_764_544)
    assert [pair[1].node.layer.label for pair in (second, third)] == ["CONV1-4096", "CONV1-1000"]


@pytest.mark.parametrize("name", zoo_names())
def test_at_its_own_size_a_converted_network_costs_what_it_did(name: str) -> None:
    """Except networks without fc; where nothing is flattened every row is the same too."""
    report = archcalc.load(f"zoo:{name}").analyze()
    found, problems = fc_to_conv(report)
    if found is None:
        assert not any(row.node.layer.type == "fc" for row in report.rows)
        assert [one.message for one in problems] == ["there is no fc layer to convert"]
        return
    assert found.report.output == report.output
    for total in ("weights", "biases", "params", "buffers", "macs"):
        assert getattr(found.report.totals, total) == getattr(report.totals, total), total
    assert not any(row.node.layer.type in ("fc", "flatten") for row in found.report.rows)
    dropped = ("flatten", "adaptive_avgpool")  # the pool changes nothing at this size
    kept = [row for row in report.rows if row.node.layer.type not in dropped]
    assert [row.node.name for row in kept] == [row.node.name for row in found.report.rows]


def test_flatten_goes_and_what_it_was_read_by_stays() -> None:
    found = converted(PADDING_FREE, Volume(16, 12, 3))
    labels = [row.node.layer.label for row in found.report.rows]
    assert labels == ["INPUT", "CONV3-4", "RELU", "POOL2", "DROPOUT", "CONV3-10", "RELU", "CONV1-3"]
    assert found.report.output == (5, 3, 3)
    assert found.padded == []
    jumps = [field.jump for field in found.report.rows[-1].receptive_field if field is not None]
    assert jumps == [2, 2]


def test_an_fc_without_bias_and_a_volume_that_is_not_square() -> None:
    ((old, new),) = converted("INPUT[6x4x3] -> FC-5").replaced
    assert (new.node.layer.label, new.cost) == ("CONV6x4-5", old.cost)
    spec = "- fc: {units: 5, bias: false}"
    ((old, new),) = converted_text(f"input: 6x4x3\nlayers:\n{spec}\n").replaced
    assert (new.cost.biases, new.cost.weights) == (0, old.cost.weights) == (0, 6 * 4 * 3 * 5)


def converted_text(text: str) -> Conversion:
    from archcalc.architecture import examine
    from archcalc.language.specfile import SpecText

    found, problems = fc_to_conv(examine(SpecText("spec.yaml", text)).report)
    assert found is not None, problems
    return found


def test_squeeze_and_excitation_stays_1x1_on_a_larger_input() -> None:
    text = "input: 8x8x4\nlayers:\n- multiply: [[], [GAP -> FLATTEN -> FC-4 -> SIGMOID]]\n- FC-2\n"
    found = converted_text(text)
    assert [new.node.layer.label for _, new in found.replaced] == ["CONV1-4", "CONV8-2"]


@pytest.mark.parametrize(
    ("spec", "input", "expected"),
    [
        ("INPUT[8x8x3] -> CONV3-4", None, "AC501 there is no fc layer to convert"),
        (
            "INPUT[8x8x3] -> FLATTEN -> RELU -> BN -> FC-10",
            None,
            "AC501 bn1 reads a flattened volume, which a network of convolutions does not have",
        ),
        ("INPUT[8x8x3] -> FC-4 -> RELU -> FLATTEN -> CONV1-3", None, None),
        (
            "INPUT[8x8x3] -> FLATTEN -> SOFTMAX",
            None,
            "AC501 softmax1 reads a flattened volume, which a network of convolutions does not have",
        ),
        (
            "INPUT[8x8x3] -> FLATTEN -> RELU",
            None,
            "AC501 the network's output is flattened (relu1), so it has no rows and columns to keep",
        ),
        (
            "INPUT[8x8x3] -> LOCAL3-4 -> FC-10",
            Volume(9, 9, 3),
            "AC501 local1 has other weights on [9x9x3] than on [8x8x3]",
        ),
        ("INPUT[8x8x3] -> LOCAL3-4 -> FC-10", None, None),
        (
            "INPUT[8x8x3] -> CONV3-4 -> FC-10",
            Volume(8, 8, 1),
            "AC501 conv1 has other weights on [8x8x1] than on [8x8x3]",
        ),
        (
            "INPUT[8x8x3] -> FC-10",
            Volume(7, 8, 3),
            "AC202 fc1 does not fit: a window of width 8 is larger than its padded input of 7",
        ),
        ("INPUT[9x9x3] -> CONV3-4s2 -> FC-10", Volume(10, 9, 3), "AC201 conv1 does not fit: output width would be 4.5"),
    ],
)
def test_refusals(spec: str, input: Volume | None, expected: str | None) -> None:
    if expected is None:
        converted(spec, input)
    else:
        assert reasons(spec, input) == [expected]


def test_the_command_writes_a_spec_that_checks(tmp_path: Path) -> None:
    out = tmp_path / "vgg.yaml"
    result = run("--fc-to-conv", "zoo:vgg16", "--input", "384x384x3", "-o", str(out))
    assert (result.return_value, result.stdout) == (0, "")
    assert result.stderr.splitlines() == [
        "[384x384x3] -> [6x6x1000], 138,357,544 params as before",
        "  fc1: FC-4096 -> CONV7-4096, [12x12x512] -> [6x6x4096]",
        "  fc2: FC-4096 -> CONV1-4096, [6x6x4096] -> [6x6x4096]",
        "  fc3: FC-1000 -> CONV1-1000, [6x6x4096] -> [6x6x1000]",
        "  conv1 and 12 more pad: a cell of the score map is not exactly the scores of its crop",
    ]
    assert out.read_text() == (
        "# Written by `archcalc convert --fc-to-conv`: every fc is a convolution now.\n"
        "archcalc: 1\n"
        "name: VGG-16 (configuration D)\n"
        "source: https://arxiv.org/abs/1409.1556\n"
        "year: 2014\n"
        "input: 384x384x3\n"
        "layers:\n"
        '  - "[CONV3-64p1 -> RELU]*2 -> POOL2"\n'
        '  - "[CONV3-128p1 -> RELU]*2 -> POOL2"\n'
        '  - "[CONV3-256p1 -> RELU]*3 -> POOL2"\n'
        '  - "[[CONV3-512p1 -> RELU]*3 -> POOL2]*2"\n'
        "  - conv: {name: fc1, filters: 4096, kernel_size: 7}\n"
        "  - RELU -> DROPOUT\n"
        "  - conv: {name: fc2, filters: 4096, kernel_size: 1}\n"
        "  - RELU -> DROPOUT\n"
        "  - conv: {name: fc3, filters: 1000, kernel_size: 1}\n"
    )
    assert all(one.severity != "error" for one in archcalc.check(out))
    assert archcalc.load(out).analyze().output == (6, 6, 1000)


def test_without_padding_there_is_no_warning_and_stdout_has_the_spec() -> None:
    result = run("--fc-to-conv", PADDING_FREE, "--input", "16x12x3")
    assert result.return_value == 0
    assert "pad" not in result.stderr
    assert "conv: {name: fc1, filters: 10, kernel_size: 3}" in result.stdout


def test_the_help_is_honest() -> None:
    text = " ".join(run("--help").stdout.split())
    assert "exactly only where no layer pads" in text
    assert "only shapes and strides agree, not values" in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("zoo:nin_cifar", "--fc-to-conv"), 1, "error[AC501]: there is no fc layer to convert"),
        (("INPUT[8x8x3] -> CONV3-4s2", "--fc-to-conv"), 1, "error[AC201]"),
        (("INPUT[8x8x3] -> FC-10", "--fc-to-conv", "--input", "6x6x3"), 1, "error[AC202]"),
        (("zoo:none", "--fc-to-conv"), 2, "the zoo has no none"),
        (("zoo:vgg16", "--fc-to-conv", "-o", "no/such/out.yaml"), 2, "there is no folder no/such"),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run(*arguments)
    assert result.return_value == code
    assert message in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("zoo:vgg16",), "say what to convert: --fc-to-conv"),
        (
            ("zoo:vgg16", "--fc-to-conv", "--input", "3x3"),
            "`3x3` has no channels: a volume is width x height x channels; write 3x3x3 for an image of 3 channels",
        ),
    ],
)
def test_usage(arguments: tuple[str, ...], message: str) -> None:
    assert str(run(*arguments).exception) == message


def test_the_spec_itself_is_not_overwritten(tmp_path: Path) -> None:
    spec = tmp_path / "a.yaml"
    spec.write_text("# mine\ninput: 8x8x3\nlayers: [FC-10]\n")
    result = run("--fc-to-conv", str(spec), "-o", str(spec))
    assert "is the spec itself" in str(result.exception)
    assert spec.read_text().startswith("# mine")
