"""Run benchmarks by name: ``python -m tests.benchmarks [NAME …] [--json FILE]``.

``uc`` takes ``--instance FILE …`` (pglib-uc) and ``--limit SECONDS``.

A NAME is that of a module, or the beginning of the name of modules or rows (``dnp3``). Without one, all run.
The exit status is 1 if a module failed, 2 for a name that nothing answers to.
"""

import argparse
import importlib
import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.row import Row
from tests.benchmarks.uc_options import CHOSEN
from vppscada.scheduling.unit_commitment.reading import BadProblem, read_problem

MODULES = (
    "dnp3_polls",
    "dnp3_events",
    "dnp3_burst",
    "dnp3_latency",
    "dnp3_fleet",
    "dnp3_answer_delay",
    "modbus",
    "modbus_connections",
    "opcua",
    "site_load",
    "dispatch",
    "following",
    "schedule",
    "fleet",
    "slow_units",
    "loop_stall",
    "objectives",
    "cost",
    "books",
    "uc",
)


def modules_for(names: Sequence[str]) -> list[str]:
    """The modules to run: rows are named after their module, so the module is the first word of a name."""
    if not names:
        return list(MODULES)
    return [module for module in MODULES if any(belongs(name, module) for name in names)]


def belongs(name: str, module: str) -> bool:
    """True if a name asked for is that of the module, the beginning of it (``dnp3``), or that of one of its rows."""
    return name == module or name.startswith(f"{module}_") or module.startswith(f"{name}_")


def wanted(row: Row, names: Sequence[str]) -> bool:
    """True if a row was asked for, by its module or by the beginning of its name."""
    return not names or any(belongs(row.name, name) if name in MODULES else row.name.startswith(name) for name in names)


def unknown(names: Sequence[str]) -> list[str]:
    """Names that no module answers to."""
    return [name for name in names if not any(belongs(name, module) for module in MODULES)]


def run_modules(modules: Sequence[str]) -> tuple[list[Row], list[str]]:
    """Run modules one after another: their rows, and the names of those that failed."""
    rows: list[Row] = []
    failed: list[str] = []
    for module in modules:
        try:
            rows += importlib.import_module(f"tests.benchmarks.{module}").run()
        except Exception:  # a benchmark that fails must not hide the others' figures
            traceback.print_exc()
            print(f"benchmark {module} failed", file=sys.stderr)
            failed.append(module)
    return rows, failed


def figure(value: float | None) -> str:
    """A number for the table: thousands in groups, small ones with their digits."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    table = Table()
    for heading in ("name", "ours", "rival", "ratio", "unit", "rival is"):
        table.add_column(heading, justify="right" if heading in ("ours", "rival", "ratio") else "left", no_wrap=True)
    for row in rows:
        table.add_row(row.name, figure(row.ours), figure(row.rival), figure(row.ratio), row.unit, row.rival_name)
    console = Console()
    Console(width=None if console.is_terminal else 170).print(table)


def choose_instances(options: argparse.Namespace) -> str:
    """Take over what is asked of the unit commitment benchmark. Says what is wrong with it, if anything is."""
    if options.limit is not None:
        if not options.limit > 0.0:
            return "--limit must be above 0"
        CHOSEN.limit_s = options.limit
    if options.instance:
        try:
            for instance in options.instance:
                read_problem(instance)
        except BadProblem as error:
            return str(error)
        CHOSEN.instances = options.instance
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, write; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Ours beside the bare libraries.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a module or the beginning of a row's name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows as JSON")
    parser.add_argument("--instance", type=Path, nargs="+", metavar="FILE", help="uc: instances of pglib-uc")
    parser.add_argument("--limit", type=float, metavar="SECONDS", help="uc: time for each solver on each instance")
    options = parser.parse_args(arguments)
    if trouble := choose_instances(options):
        print(trouble, file=sys.stderr)
        return 2
    strangers = unknown(options.names)
    if strangers:
        print(f"unknown benchmark: {', '.join(strangers)}; there are: {', '.join(MODULES)}", file=sys.stderr)
        return 2
    rows, failed = run_modules(modules_for(options.names))
    rows = [row for row in rows if wanted(row, options.names)]
    if rows:
        show(rows)
    if options.json:
        options.json.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n", encoding="utf-8")
    if not rows and not failed:
        print(f"no row's name begins with {', '.join(options.names)}", file=sys.stderr)
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
