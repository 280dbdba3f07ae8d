"""`archcalc import` as a stranger uses it."""

import subprocess
import sys
from pathlib import Path

import archcalc

SPEC = "input: 32x32x8\nlayers:\n" + "  - add: [[], [CONV1-4 -> RELU -> CONV3-8p1]]\n  - relu: {}\n" * 4
CFG = "[net]\nwidth=32\nheight=32\nchannels=3\n" + "[convolutional]\nfilters=8\nsize=3\npad=1\nactivation=leaky\n" * 3


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "archcalc", "import", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_file_becomes_a_spec(tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text(CFG)
    out = tmp_path / "net.yaml"
    result = run(str(tmp_path / "net.cfg"), "-o", str(out))
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"7 layers in {out.read_text().count(chr(10))} lines, 1,392 params\n"
    assert out.read_text().startswith("# From net.cfg, by `archcalc import`.\narchcalc: 1\ninput: 32x32x3\n")
    assert archcalc.load(out).report.totals == archcalc.load(tmp_path / "net.cfg").report.totals
    assert [one for one in archcalc.check(out) if one.severity == "error"] == []


def test_names_are_kept_if_asked(tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text(CFG)
    out = tmp_path / "net.yaml"
    assert run(str(tmp_path / "net.cfg"), "-o", str(out), "--names").returncode == 0
    old, new = (archcalc.load(one).graph.nodes for one in (tmp_path / "net.cfg", out))
    assert [one.name for one in old] == [one.name for one in new]


def test_a_spec_is_folded(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(SPEC)
    result = run(str(tmp_path / "net.yaml"))
    assert result.returncode == 0
    assert result.stdout.endswith('layers:\n  - "[residual]*4"\n')


def test_what_cannot_be_read_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: 10x10x3\nlayers: [CONV3-4s2]\n")
    assert run(str(path), "-o", str(tmp_path / "out.yaml")).returncode == 1
    assert not (tmp_path / "out.yaml").exists()
    assert run(str(tmp_path / "none")).returncode == 2
    assert run(str(path), "-o", str(path)).returncode == 2
    assert path.read_text().startswith("input: 10x10x3")
