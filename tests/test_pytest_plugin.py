"""The pytest plugin, run by pytest in folders of its own."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import archcalc
from archcalc import testing
from archcalc.checks.catalogue import rules

GOOD = "input: 8x8x3\nlayers: [conv: {filters: 4, kernel_size: 3}, relu]\nexpect: {params: 112}\n"
WRONG = "input: 10x10x3\nlayers:\n  - conv: {filters: 4, kernel_size: 3, stride: 2}\n"
WRONG_SAYS = """\
{path}:3:48: error[AC201]: conv1 does not fit: output width would be 4.5
  |
3 |   - conv: {{filters: 4, kernel_size: 3, stride: 2}}
  |                                                ^
  = (W - F + 2P)/S + 1 = (10 - 3 + 2*0)/2 + 1 = 4.5
  = no padding fixes this: 7 + 2P is odd and S = 2
  help: the nearest widths that fit are 9 (-> 4) and 11 (-> 5)
  help: or write `rounding: floor` (-> 4; the last column is never read), in the layer or at the top of the spec
"""

INSTALLED = any(one.value == "archcalc.pytest_plugin" for one in entry_points(group="pytest11"))


@pytest.fixture(scope="module", autouse=True)
def _all_rules() -> None:
    """What pytester's runs import is forgotten after them, and a rule can be declared but once."""
    rules()


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a good spec and a wrong one."""
    if not INSTALLED:  # run from a checkout
        monkeypatch.setenv("PYTEST_ADDOPTS", "-p archcalc.pytest_plugin")
    specs = pytester.mkdir("specs")
    (specs / "good.yaml").write_text(GOOD)
    (specs / "wrong.yml").write_text(WRONG)
    (specs / "notes.txt").write_text("nothing")
    return pytester


def lines(result: pytest.RunResult, first: str, last: str) -> str:
    """The output between two lines, without them."""
    start = next(number for number, line in enumerate(result.outlines) if first in line)
    end = next(number for number, line in enumerate(result.outlines) if number > start and last in line)
    return "\n".join(result.outlines[start + 1 : end]) + "\n"


# -- spec files as tests -------------------------------------------------------------------------------


def test_nothing_is_collected_unasked(folder: pytest.Pytester) -> None:
    folder.runpytest().assert_outcomes()


def test_the_option(folder: pytest.Pytester) -> None:
    result = folder.runpytest("--archcalc")
    result.assert_outcomes(passed=1, failed=1)
    shown = lines(result, "___ architecture of specs/wrong.yml ___", "short test summary")
    assert shown == WRONG_SAYS.format(path="specs/wrong.yml")
    assert "FAILED specs/wrong.yml::architecture" in result.stdout.str()


def test_a_single_test(folder: pytest.Pytester) -> None:
    folder.runpytest("--archcalc", "specs/good.yaml::architecture").assert_outcomes(passed=1)


def test_the_setting(folder: pytest.Pytester) -> None:
    folder.makeini("[pytest]\narchcalc_specs = nets/*.arch specs/g*.yaml\n")
    nets = folder.mkdir("nets")
    (nets / "one.arch").write_text(GOOD)
    (nets / "two.yaml").write_text(WRONG)
    folder.runpytest().assert_outcomes(passed=2)


def test_an_expectation_that_is_missed(folder: pytest.Pytester) -> None:
    spec = folder.path / "specs" / "good.yaml"
    spec.write_text(GOOD.replace("112", "111"))
    result = folder.runpytest("--archcalc", "specs/good.yaml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["specs/good.yaml:3:18: error?AC401?: params is 112, expected 111: 1 (0.9%) more", "*params: 111}"]
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfei\0", "specs/odd.yaml:1:1: error[AC002]: the spec is UTF-16 or UTF-32; save it as UTF-8"),
        (b"3", "specs/odd.yaml:1:1: error[AC101]: a spec is a mapping with keys like input and layers, not `3`"),
    ],
)
def test_what_is_no_spec(folder: pytest.Pytester, data: bytes, says: str) -> None:
    (folder.path / "specs" / "odd.yaml").write_bytes(data)
    result = folder.runpytest("--archcalc", "specs/odd.yaml")
    result.assert_outcomes(failed=1)
    assert lines(result, "___ architecture of specs/odd.yaml ___", "short test summary").startswith(says + "\n")
    assert "Traceback" not in result.stdout.str()


def test_a_spec_that_vanishes(folder: pytest.Pytester) -> None:
    folder.makeconftest(
        "import os\ndef pytest_runtest_setup(item):\n    if item.path.name == 'good.yaml': os.remove(item.path)\n"
    )
    result = folder.runpytest("--archcalc", "specs/good.yaml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["cannot read *good.yaml: No such file or directory"])


def test_warnings_are_shown_where_asked_and_hidden_by_the_project(folder: pytest.Pytester) -> None:
    (folder.path / "specs" / "odd.yaml").write_text(
        "input: 8x8x3\nlayers: [conv: {filters: 8, kernel_size: 4}, relu]\n"
    )
    result = folder.runpytest("--archcalc", "-rP", "specs/odd.yaml")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*archcalc*", "specs/odd.yaml:2:*warning?AC6*"])
    (folder.path / "pyproject.toml").write_text('[tool.archcalc]\nignore = ["AC6"]\n')
    result = folder.runpytest("--archcalc", "-rP", "specs/odd.yaml")
    result.assert_outcomes(passed=1)
    assert "AC6" not in result.stdout.str()


def test_a_configuration_that_cannot_be_read(folder: pytest.Pytester) -> None:
    (folder.path / "pyproject.toml").write_text('[tool.archcalc]\nignore = "AC6"\n')
    result = folder.runpytest("--archcalc", "specs/good.yaml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ignore is a list of codes like AC607, or how they begin like AC6"])
    assert "Traceback" not in result.stdout.str()


def test_a_bug_keeps_its_traceback(folder: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(testing, "examination", fail)
    result = folder.runpytest("--archcalc", "specs/good.yaml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *RuntimeError: a bug"])


# -- the fixture ---------------------------------------------------------------------------------------


def test_the_fixture(folder: pytest.Pytester) -> None:
    folder.makepyfile(
        """
        from pathlib import Path

        def test_loads(architecture, monkeypatch, tmp_path):
            assert architecture("specs/good.yaml").report.totals.params == 112
            monkeypatch.chdir(tmp_path)
            net = architecture(Path("specs/good.yaml"), output="6x6x4", params=112)
            assert architecture(net, macs="<= 4K", same_as="specs/good.yaml") == net
            architecture("zoo:vgg16", same_as="zoo:vgg16_pattern")
            architecture("zoo:vgg16", input="64x64x3", macs=1_376_419_840)

        def test_misses(architecture):
            architecture("specs/good.yaml", output="6x6x5", params="> 200")

        def test_wrong(architecture):
            architecture("specs/wrong.yml")
        """
    )
    result = folder.runpytest()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            ">       architecture('specs/good.yaml', output='6x6x5', params='> 200')".replace("'", '"'),
            "E       AssertionError: specs/good.yaml is not what is asserted",
            "E         output is [[]6x6x4], expected [[]6x6x5]: channels: 1 (20%) less",
            "E         params is 112, expected > 200: 89 (44.3%) less",
            "E       AssertionError: specs/wrong.yml:3:48: error[[]AC201]: conv1 does not fit: output width would be 4.5",
        ]
    )
    assert "testing.py" not in result.stdout.str()  # only the test's own frame is shown


# -- the assertion -------------------------------------------------------------------------------------


def test_it_returns_the_network() -> None:
    net = testing.assert_architecture(
        "zoo:vgg16",
        output=archcalc.Volume(1, 1, 1000),
        params=138_357_544,
        macs="15.5G +- 1%",
        activation_memory="<= 60 MiB at batch 1",
        receptive_field={"pool5": 212},
    )
    assert net == archcalc.load("zoo:vgg16")


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        ({"params": 138_000_000}, "params is 138,357,544, expected 138000000: 357,544 (0.3%) more"),
        ({"params": "< 100M"}, "params is 138,357,544, expected < 100M: 38,357,545 (38.4%) more"),
        (
            {"output": {"pool5": "7x7x256"}},
            "output of pool5 is [7x7x512], expected [7x7x256]: channels: 256 (100%) more",
        ),
        ({"receptive_field": {"pool5": "<= 200"}}, "receptive_field of pool5 is 212, expected <= 200: 12 (6%) more"),
    ],
)
def test_what_is_missed(expected: dict[str, object], says: str) -> None:
    for spec in ("zoo:vgg16", archcalc.load("zoo:vgg16")):
        with pytest.raises(AssertionError) as error:
            testing.assert_architecture(spec, **expected)  # type: ignore[arg-type]
        assert str(error.value) == f"zoo:vgg16 is not what is asserted\n  {says}"


@pytest.mark.parametrize(
    ("expected", "error", "says"),
    [
        ({"parms": 1}, TypeError, "expect has no key `parms`\nhelp: did you mean `params`?\nexpect takes: "),
        ({"params": "many"}, ValueError, "params: `many` is no count, like `138_357_544` or `25.6M`\naccepted are "),
        ({"output": {"pol5": "1x1x1"}}, ValueError, "output: no layer is named `pol5`\nhelp: did you mean `pool5`?"),
        ({"params": 2.5}, TypeError, "a figure is a number or a text, not 2.5"),
        ({"params": True}, TypeError, "a figure is a number or a text, not True"),
    ],
)
def test_what_cannot_be_expected(expected: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error) as raised:
        testing.assert_architecture("zoo:vgg16", **expected)  # type: ignore[arg-type]
    assert str(raised.value).startswith(says)


def test_what_the_spec_expects_itself(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(GOOD.replace("112", "111"))
    for spec in (path, archcalc.load(path)):
        with pytest.raises(AssertionError) as error:
            testing.assert_architecture(spec)
        assert str(error.value).startswith(f"{path}:3:18: error[AC401]: params is 112, expected 111: 1 (0.9%) more\n")


def test_another_network() -> None:
    first = "INPUT[8x8x3] -> CONV3-4 -> RELU -> FC-10"
    second = "INPUT[8x8x3] -> CONV3-8 -> RELU -> FC-10"
    assert testing.assert_architecture(first, same_as=archcalc.load(first))
    with pytest.raises(AssertionError) as error:
        testing.assert_architecture(second, same_as=first)
    told = str(error.value).splitlines()
    assert told[:3] == ["<pattern> is not the same as <pattern>", "- <pattern>", "+ <pattern>"]
    assert any(line.startswith("~ conv1") and "filters 4 -> 8" in line and "+112" in line for line in told)
    assert told[-1] == "1 changed, 2 affected, 1 unchanged" or "not shown" in told[-1]
    with pytest.raises(AssertionError, match=r"error\[AC201\]: conv1 does not fit"):
        testing.assert_architecture(first, same_as="INPUT[10x10x3] -> CONV3-4s2")


def test_what_is_already_read_stays_as_it_is() -> None:
    with pytest.raises(TypeError, match=r"^set and input belong to a spec that is yet to be read$"):
        testing.assert_architecture(archcalc.load("zoo:lenet5"), input="8x8x3")


# -- start-up ------------------------------------------------------------------------------------------


def test_nothing_is_imported_before_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.partition('.')[0] == 'archcalc'}\n"
        "    assert ours == {'archcalc', 'archcalc.pytest_plugin'}\n"
        "    assert not {'numpy', 'rich', 'yaml', 'click'} & set(sys.modules)\n"
    )
    (tmp_path / "net.yaml").write_text(WRONG)
    plugin = [] if INSTALLED else ["-p", "archcalc.pytest_plugin"]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "1 passed" in result.stdout, result.stdout + result.stderr
