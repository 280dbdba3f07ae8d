"""Every benchmark, one after the other: `python tests/benchmarks`."""

import runpy
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("bench_*.py")):
    print(f"== {path.stem.removeprefix('bench_')}", flush=True)
    runpy.run_path(str(path), run_name="__main__")
