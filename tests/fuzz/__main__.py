"""Fuzz every target for a while, each in a process of its own: ``python -m tests.fuzz [--seconds 30] [TARGET …]``.

Begins from the corpus that is kept. What is found is written under ``--found``; the exit status is 1 if
anything was. To keep it: mend, then copy the input into ``tests/fuzz/corpus/TARGET``.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
LONGEST_OCTETS = 2048


def main() -> int:
    """Run the targets one after another, an equal share of the time for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Coverage-guided fuzzing of DNP3.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=float, default=30.0, help="for all of them together (default: 30)")
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"), help="where crashing inputs are written")
    options = parser.parse_args()
    names = options.targets or list(TARGETS)
    strangers = set(names) - TARGETS.keys()
    if strangers:
        parser.error(f"unknown target: {', '.join(sorted(strangers))}")
    bad = [name for name in names if not survives(name, options.seconds / len(names), options.found)]
    for name in bad:
        print(f"{name}: a rule was broken; see {options.found}/{name}", file=sys.stderr)
    return 1 if bad else 0


def survives(name: str, seconds: float, found: Path) -> bool:
    """Fuzz one target; False if an input broke a rule."""
    place = found / name
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as fresh:
        limits = [f"-max_total_time={max(1, round(seconds))}", f"-max_len={LONGEST_OCTETS}", "-timeout=20"]
        command = [sys.executable, "-m", "tests.fuzz.cover", name, *limits, f"-artifact_prefix={place}/"]
        done = subprocess.run([*command, fresh, str(CORPUS / name)], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode:
        sys.stderr.write(said[-6000:])
        return False
    coverage = re.findall(r"cov: (\d+) ft: (\d+)", said)
    runs = re.search(r"Done (\d+) runs", said)
    edges, features = coverage[-1] if coverage else ("?", "?")
    print(f"{name}: {runs[1] if runs else '?'} runs, {edges} edges, {features} features, nothing found")
    return True


if __name__ == "__main__":
    raise SystemExit(main())
