"""check and report as processes against bare imports; warm parse and analysis; long chains; many files.

Run from an installation with compiled bytecode: `python tests/benchmarks/bench_calculator.py`.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from timing import line, median, process, python, ratio, seconds

from archcalc.architecture import examine
from archcalc.language.specfile import SpecText, read_spec, zoo_folder

ARCHCALC = str(Path(sys.executable).with_name("archcalc"))
CHECK, TABLE = "import click, yaml", "import click, yaml, rich.console, rich.table"

CHAIN = """
import sys, time, resource
from archcalc.architecture import examine
from archcalc.language.specfile import SpecText
text = SpecText("chain", "INPUT[32x32x3] -> [CONV3-16p1 -> RELU]*" + str({layers} // 2), pattern=True)
best = 9e9
for _ in range({times}):
    start = time.perf_counter()
    found = examine(text)
    found.report.totals
    best = min(best, time.perf_counter() - start)
assert found.ok and len(found.report.rows) == {layers} + 1
print(best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def processes() -> None:
    line("whole process", "seconds", "baseline", "ratio")
    for spec in ("zoo:vgg16", "zoo:vgg16_pattern"):
        for command, bare in (
            (("check", spec), CHECK),
            (("report", spec), TABLE),
            (("check", "-f", "json", spec), CHECK),
        ):
            ours, theirs, both = ratio(process(ARCHCALC, *command), python(bare), 21)
            line(f"archcalc {' '.join(command)}", f"{ours:.3f}", f"{theirs:.3f}", f"{both:.2f} x {bare}")


STARTS = """
import gc, sys, time
gc.disable()
for name in sys.argv[1:]:
    begun = time.perf_counter()
    __import__(name)
    print(time.perf_counter() - begun)
"""
IMPORTED = [
    *("click", "yaml", "archcalc.records", "archcalc.diagnostics", "archcalc.reader.source", "archcalc.layers"),
    *("archcalc.graph", "archcalc.language.program", "archcalc.analysis.analyze", "archcalc.architecture"),
    *("archcalc.checks.rules", "archcalc.project.config", "archcalc.cli", "archcalc.commands.check"),
    *("archcalc.formats.check.text", "rich.console", "rich.table", "archcalc.commands.report"),
    *("archcalc.formats.report.table", "numpy"),
]


def imports() -> None:
    """What each import adds to those before it."""
    line()
    line("import, after those above it", "milliseconds")
    command = [sys.executable, "-c", STARTS, *IMPORTED]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() for _ in range(21)]
    for name, took in zip(IMPORTED, zip(*runs, strict=True), strict=True):
        line(name, f"{statistics.median(map(float, took)) * 1e3:.1f}")


def warm() -> None:
    line()
    line("warm, text to results", "milliseconds", "us a layer")
    for path in sorted(Path(zoo_folder()).glob("*.yaml")):
        text = read_spec(path)
        layers = len(examine(text).report.rows)
        took = median(lambda text=text: examine(text).report.totals, 51)  # type: ignore[misc]
        line(path.stem, f"{took * 1e3:.2f}", f"{took * 1e6 / layers:.1f}")


def chains() -> None:
    line()
    line("chain of layers, a process each", "seconds", "us a layer", "peak memory")
    for layers in (10, 100, 1_000, 10_000, 100_000):
        code = CHAIN.format(layers=layers, times=max(1, min(20, 10_000 // layers)))
        out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
        took, peak = float(out[0]), int(out[1])
        line(f"{layers:,}", f"{took:.4f}", f"{took * 1e6 / layers:.1f}", f"{peak / 1024:.0f} MiB")
    for what, text in (
        (
            "100,000 layers written out as a pattern",
            SpecText("p", "INPUT[8x8x3] -> " + " -> ".join(["RELU"] * 99_990), True),
        ),
        ("99,000 layers written out in YAML", SpecText("y", "input: 8x8x8\nlayers:\n" + "- relu\n" * 99_000)),
    ):
        took = seconds(lambda text=text: examine(text).report.totals)  # type: ignore[misc]
        line(what, f"{took:.4f}", f"{took * 10:.1f}")


def many_files(files: int = 5_000) -> None:
    line()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(files):
            side = 32 + 2 * (number % 7)
            Path(folder, f"s{number}.yaml").write_text(
                f"input: {side}x{side}x3\nlayers:\n  - CONV3-16p1 -> RELU -> POOL2\n"
                f"  - conv: {{filters: {16 + number % 5}, kernel_size: 3, padding: 1}}\n  - relu\n  - FC-10\n",
                encoding="utf-8",
            )
        out = subprocess.run(
            [ARCHCALC, "check", "-f", "json", folder], check=True, capture_output=True, text=True
        ).stdout
        assert len(json.loads(out)["specs"]) == files
        for jobs in ("1", "2"):
            took = seconds(process(ARCHCALC, "check", "--jobs", jobs, folder))
            line(f"check of {files:,} files, one call, --jobs {jobs}", f"{took:.2f} s")


if __name__ == "__main__":
    processes()
    imports()
    warm()
    chains()
    many_files()
