"""Repairs: what is made, what is left alone, and that nothing else of the text changes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archcalc.architecture import examine
from archcalc.authoring.fix import Fixed, fix
from archcalc.language.specfile import SpecText, read_spec, zoo_names

BROKEN = """\
# My net
input: 32x32x3   # CIFAR
defaults:
  Conv2d: {padding: 1}   # keep
layers:
  - conv2d:            # stem
      out_channels: 16    # K
      kernel: [3, 3]
      use_bias: no
      stride: 1
      stride: 1
  - [BATCHNORM -> RELU]*2 -> MAXPOOL2
  - conv: {filters: 4*8, "kernel": 3}   # 4 x 8
  - [[CONV3-8 -> RELU]*2]*2
  - LINEAR-10
expect:
  weights: >= 3
"""
REPAIRED = """\
# My net
input: 32x32x3   # CIFAR
defaults:
  conv: {padding: 1}   # keep
layers:
  - conv:            # stem
      filters: 16    # K
      kernel_size: 3
      bias: false
      stride: 1
  - "[BN -> RELU]*2 -> POOL2"
  - conv: {filters: 32, kernel_size: 3}   # 4 x 8
  - "[[CONV3-8 -> RELU]*2]*2"
  - FC-10
expect:
  weights: ">= 3"
"""


def fixed(text: str) -> Fixed:
    return fix(SpecText("spec", text))


def test_everything_at_once() -> None:
    done = fixed(BROKEN)
    assert done.text == REPAIRED
    assert done.found.diagnostics == ()
    assert done.refused == ()
    assert sorted({one.code for one in done.made}) == ["AC010", "AC012", "AC102", "AC104", "AC105"]


# layers before and after; around them the same spec
LAYERS = [
    ("conv: {out_channels: 8, kernel_size: 3}", "conv: {filters: 8, kernel_size: 3}"),
    ("conv: {K: 8, F: 3, S: 1, P: 1}", "conv: {filters: 8, kernel_size: 3, stride: 1, padding: 1}"),
    ("conv: {fliters: 8, kernel_size: 3}", None),
    ("conv: {filters: 8, kernel_size: [3, 3]}", "conv: {filters: 8, kernel_size: 3}"),
    ("conv: {filters: 8, kernel_size: 3, bias: yes}", "conv: {filters: 8, kernel_size: 3, bias: true}"),
    ("conv: {filters: 8, kernel_size: 3, bias: Off}", "conv: {filters: 8, kernel_size: 3, bias: false}"),
    ("conv: {filters: 8, kernel_size: 3, bias_term: no}", "conv: {filters: 8, kernel_size: 3, bias: false}"),
    ("conv: {filters: 2*(3 + 1), kernel_size: 3}", "conv: {filters: 8, kernel_size: 3}"),
    ("conv: {filters: 8, kernel_size: 3, filters: 8}", "conv: {filters: 8, kernel_size: 3}"),
    ("conv: {filters: 8, filters: 8, kernel_size: 3}", "conv: {filters: 8, kernel_size: 3}"),
    ("conv: {'num_filters': 8, \"kernel\": 3}", "conv: {filters: 8, kernel_size: 3}"),
    ("Dense: {units: 3}", "fc: {units: 3}"),
    ("linear: {out_features: 3}", "fc: {units: 3}"),
    ("CONV3-8 -> BATCHNORM -> SWISH -> MAXPOOL2", "CONV3-8 -> BN -> SILU -> POOL2"),
    ("CONV3-8 -> Relu -> MaxPool2", "CONV3-8 -> Relu -> pool2"),
    ("[CONV3-8 -> RELU]*2", '"[CONV3-8 -> RELU]*2"'),
    ("[CONV3-8 -> RELU]*2   # twice", '"[CONV3-8 -> RELU]*2"   # twice'),
    ("[CONV3-8 -> RELU]", '"[CONV3-8 -> RELU]"'),
    ("add: [[], [CONV3-3p1 -> BATCHNORM]]", "add: [[], [CONV3-3p1 -> BN]]"),
    ("conv: {filters: 8, kernel_size: 3, name: a, nam: b}", None),
    ("conv: {filters: 8, kernel_size: [3, 1]}", None),  # which one is the width?
    ("conv: {filters: 8, kernel_size: 3, no_bias: true}", "conv: {filters: 8, kernel_size: 3, bias: false}"),
    ("conv: {filters: 8, kernel_size: 3, filters: 9}", None),
    ("conv: {filters: 8, kernel_size: 3, pad: 1, padding: 1}", None),  # would be given twice
    ("conv: {filters: 8, size: 5, pad: 1}", None),  # Darknet's `pad: 1` is half the window
    ("conv: {filters: 8, size: 3, pad: 1}", "conv: {filters: 8, kernel_size: 3, padding: 1}"),
    ("upsample: {scale: 2}", None),
    ("conv3d: {filters: 8, kernel_size: 3}", None),
    ("CONV3-8 -> rrelu", None),
    ("CONV3-8 -> CRELU", None),
    ("MaxPool2d(2)", None),
    ("BatchNormalization", None),  # Keras's eps is another
    ("kernal: {filters: 8}", None),
    ("pool: {kernel_size: 3, stride: 2, ceil_mode: true}", "pool: {kernel_size: 3, stride: 2, rounding: ceil}"),
    ("pool: {kernel_size: 2, ceil_mode: False}", "pool: {kernel_size: 2, rounding: floor}"),
    ("pool: {kernel_size: 3, stride: 2, round_mode: CEIL}", "pool: {kernel_size: 3, stride: 2, rounding: ceil}"),
    ("conv: {filters: 8, kernel_shape: 3, auto_pad: SAME_UPPER}", "conv: {filters: 8, kernel_size: 3, padding: same}"),
    ("conv: {filters: 8, kernel_size: 3, auto_pad: SAME_LOWER}", None),
    ("conv: {filters: 8, kernel_size: 3, quux: 4}", None),
    ("lrn: {depth_radius: 2}", None),  # size = 2*radius + 1
    ("dropout: {prob: 0.2}", None),  # of dropping or of keeping?
    ("NORM", None),
    ("CONV3-8 -> POOL4s3", None),
    ("conv: {filters: 010, kernel_size: 3}", None),
]


def spec(layers: str) -> str:
    return f"# a network\ninput: 32x32x3 # small\nlayers:\n  - {layers}\n  # the head\n  - FC-10\n"


@pytest.mark.parametrize(("before", "after"), LAYERS)
def test_layers(before: str, after: str | None) -> None:
    done = fixed(spec(before))
    if after is None:
        assert done.text == spec(before)
        assert done.made == ()
        assert not done.found.ok
    else:
        assert done.text == spec(after)
        assert done.found.ok, done.found.diagnostics


SPECS = [
    ("inputs: 8x8x3\nlayers: [FC-10]\n", None),
    ("input: 8x8x3\nlayer: [FC-10]\n", None),
    (
        "input: {W: 8, H: 8, depth: 3}\nlayers: [FC-10]\n",
        "input: {width: 8, height: 8, channels: 3}\nlayers: [FC-10]\n",
    ),
    ("name: a\ninput: 8x8x3\nlayers: [FC-10]\nname: a\n", "name: a\ninput: 8x8x3\nlayers: [FC-10]\n"),
    ("input: 8x8x3\nlayers: [FC-10]\nname: a\nname: a", "input: 8x8x3\nlayers: [FC-10]\nname: a\n"),
    ("name: a\nname: a # why\ninput: 8x8x3\nlayers: [FC-10]\n", "name: a\n# why\ninput: 8x8x3\nlayers: [FC-10]\n"),
    ("name: a\nname: b\ninput: 8x8x3\nlayers: [FC-10]\n", None),
    (
        "pattern: INPUT[8x8x3] -> CONV -> FC-10\nwith:\n  CONV2D: {out_channels: 8, kernel: 3}\n",
        "pattern: INPUT[8x8x3] -> CONV -> FC-10\nwith:\n  CONV: {filters: 8, kernel_size: 3}\n",
    ),
    (
        "input: 8x8x3\nlayers: [FC-10]\nexpect: {params: > 5, macs: 1920}\n",
        'input: 8x8x3\nlayers: [FC-10]\nexpect: {params: "> 5", macs: 1920}\n',
    ),
    (
        "input: 8x8x3\nlayers:\n  - &a {dense: {units: 3}}\n  - *a\n",
        "input: 8x8x3\nlayers:\n  - &a {fc: {units: 3}}\n  - *a\n",
    ),
    ("", None),
    ("- a\n", None),
    ("input: [", None),
    ("input: 8x8x3\nlayers: [FC-10]\n", None),
]


@pytest.mark.parametrize(("before", "after"), SPECS)
def test_specs(before: str, after: str | None) -> None:
    assert fixed(before).text == (before if after is None else after)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_ends_of_lines_stay(end: str) -> None:
    assert fixed(BROKEN.replace("\n", end)).text == REPAIRED.replace("\n", end)


def test_a_colon_without_its_space_keeps_its_value() -> None:
    head = "input: 32x32x3\nlayers:\n  - conv: "
    text = head + "{filters:64, kernel: 3}\n"
    assert fixed(text).text == head + "{filters:64, kernel_size: 3}\n"


def test_what_was_left_alone_is_told() -> None:
    done = fixed(spec("conv: {filters: 8, kernel_size: 3, strides: 4, padding: 1, pad: 1, fliters: 8}"))
    assert [one.message for one in done.refused] == ["conv has no key `pad`"]
    assert [one.message for one in done.made] == ["conv has no key `strides`"]
    assert done.text == spec("conv: {filters: 8, kernel_size: 3, stride: 4, padding: 1, pad: 1, fliters: 8}")


def test_one_that_does_not_help_does_not_hold_up_the_others() -> None:
    lines = [f"  - conv: {{out_channels: {n}, kernel_size: 1}}" for n in range(1, 30)]
    lines.insert(7, "  - conv: {filters: 8, kernel_size: 1, pad: 1, padding: 1}")
    text = "\n".join(["input: 8x8x3", "layers:", *lines, ""])
    done = fixed(text)
    assert done.text == text.replace("out_channels", "filters")
    assert [one.message for one in done.refused] == ["conv has no key `pad`"]


@pytest.mark.parametrize("name", zoo_names())
def test_the_zoo_has_nothing_to_repair(name: str) -> None:
    text = read_spec(f"zoo:{name}")
    assert fix(text)[:3] == (text.text, (), ())


PIECES = [one.removeprefix("  - ") for before, after in LAYERS for one in (before, after) if one]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=5),
    st.sampled_from(["input: 32x32x3", "inputs: 32x32x3", "input: 33x33x4"]),
    st.sampled_from(["", "rounding: floor\n", "expect: {params: >= 5}\n", "defaults: {CONV: {pad: 1}}\n"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_fixing_twice_changes_nothing_and_nothing_gets_worse(layers: list[str], head: str, more: str, end: str) -> None:
    text = f"# top\n{head} # in\n{more}layers:\n" + "".join(f"  - {one} # {n}\n" for n, one in enumerate(layers))
    text = (text + "  - FC-10\n").replace("\n", end)
    before, done = examine(SpecText("spec", text)), fixed(text)
    assert fixed(done.text).text == done.text
    assert (done.text != text) == bool(done.made)
    if before.ok:
        assert done.text == text
    if done.made:
        assert not before.ok
        assert [line.partition("# ")[2] for line in done.text.splitlines() if "# " in line] == [
            line.partition("# ")[2] for line in text.splitlines() if "# " in line
        ]


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    command = [sys.executable, "-m", "archcalc", "fix", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_command_writes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BROKEN.replace("\n", "\r\n").encode())
    os.chmod(path, 0o640)
    code, out, err = run(str(path))
    assert (code, out) == (0, "")
    assert path.read_bytes() == b"\xef\xbb\xbf" + REPAIRED.replace("\n", "\r\n").encode()
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert f"{path}:7:7: repaired AC102: conv has no key `out_channels`\n" in err
    assert run(str(path)) == (0, "", "")


def test_command_shows_a_diff_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 8x8x3\nlayers:\n  - LINEAR-10")
    code, out, err = run("--diff", str(path))
    assert code == 1
    assert out == (
        f"--- {path}\n+++ {path}\n@@ -1,3 +1,3 @@\n input: 8x8x3\n layers:\n"
        "-  - LINEAR-10\n\\ No newline at end of file\n+  - FC-10\n\\ No newline at end of file\n"
    )
    assert err == f"{path}:3:5: would repair AC105: there is no layer type `LINEAR`\n"
    assert path.read_text() == "input: 8x8x3\nlayers:\n  - LINEAR-10"


def test_command_says_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(spec("conv: {filters: 8, kernel_size: 3, padding: 1, pad: 1}"))
    code, out, err = run(str(path))
    assert (code, out) == (1, "")
    assert f"{path}:4:52: left AC102 alone: repaired, the spec would not check better\n" in err
    assert "error[AC102]: conv has no key `pad`" in err
    assert path.read_text() == spec("conv: {filters: 8, kernel_size: 3, padding: 1, pad: 1}")


def test_command_reads_standard_input() -> None:
    code, out, _ = run("-", stdin=BROKEN.encode())
    assert (code, out) == (0, REPAIRED)


@pytest.mark.parametrize("spec", ["zoo:vgg16", "INPUT[8x8x3] -> FC-10"])
def test_command_takes_files_only(spec: str) -> None:
    code, out, err = run(spec)
    assert (code, out) == (2, "")
    assert "fix takes a file, or - for standard input" in err


def test_command_on_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert run(str(path))[0] == 1
    assert run(str(tmp_path))[0] == 2
    path.write_text(BROKEN)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    code, _, err = run(str(link))
    assert code == 2
    assert "symbolic link" in err
    assert path.read_text() == BROKEN
