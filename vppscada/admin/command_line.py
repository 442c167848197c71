"""The command ``vppscada``: check a site, run it, simulate its devices, or see it all in the demo."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from vppscada import __version__
from vppscada.admin import (
    commands,
    commissioning_grammar,
    map_grammar,
    plan,
    planning_grammar,
    proof_grammar,
    station_grammar,
    traces,
)
from vppscada.admin.arguments import positive, site_argument
from vppscada.model.errors import ConfigError, VppscadaError
from vppscada.station.drivers import DECODERS


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 faults found or the plant did not run as it should, 2 wrong use, 130 interrupted."""
    options = parser().parse_args(argv)
    try:
        status: int = options.command(options)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n{len(error.faults)} fault(s); nothing is in force\n")
        return 1
    except (VppscadaError, OSError) as error:
        sys.stderr.write(f"vppscada: {error}\n")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    return status


def parser() -> argparse.ArgumentParser:
    """The whole grammar of the command line."""
    top = argparse.ArgumentParser(prog="vppscada", description="A virtual power plant master station.")
    top.add_argument("--version", action="version", version=f"vppscada {__version__}")
    verbs = top.add_subparsers(required=True, metavar="COMMAND")
    _add_check(verbs)
    _add_plan(verbs)
    _add_run(verbs)
    _add_simulate(verbs)
    _add_demo(verbs)
    _add_decode(verbs)
    _add_trace(verbs)
    map_grammar.add_map(verbs)
    commissioning_grammar.add_commissioning(verbs)
    station_grammar.add_station(verbs)
    planning_grammar.add_planning(verbs)
    proof_grammar.add_proof(verbs)
    return top


_Verbs = argparse._SubParsersAction


def _add_check(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    check = verbs.add_parser("check", help="report every fault of a site file and its point maps, or a summary")
    site_argument(check)
    check.set_defaults(command=commands.check)


def _add_plan(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    planned = verbs.add_parser("plan", help="tell what a changed site would do to a station that runs (3 = something)")
    site_argument(planned)
    planned.add_argument(
        "--against", required=True, metavar="RUNNING", help="state directory of the station, or another site file"
    )
    planned.add_argument("--json", action="store_true", help="as one JSON object")
    planned.set_defaults(command=plan.plan)


def _add_run(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    run = verbs.add_parser("run", help="run the station of a site until told to stop")
    site_argument(run)
    run.add_argument("--state", type=Path, metavar="DIR", help="where the journal is kept (default: $STATE_DIRECTORY)")
    run.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    run.add_argument("--shadow", action="store_true", help="decide and publish, command nobody")
    _clock(run)
    run.set_defaults(command=commands.run)


def _add_simulate(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    simulate = verbs.add_parser("simulate", help="serve the assets of a site over their real protocols")
    site_argument(simulate)
    simulate.add_argument("--session", default="", metavar="NAME", help="only this one (default: all of the site)")
    simulate.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND@T[:DURATION]",
        help="drop, hang, lie, trip or local, T seconds after the start, for DURATION seconds",
    )
    simulate.add_argument("--parent-pipe", action="store_true", help="end when standard input ends")
    simulate.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    _clock(simulate)
    simulate.set_defaults(command=commands.simulate)


def _add_demo(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    demo = verbs.add_parser("demo", help="nine simulated devices, the station and an EMS, live, with a report")
    demo.add_argument("--site", default="demo", help="site file, or the name of a shipped site (default: demo)")
    demo.add_argument("--duration", type=positive, metavar="S", help="seconds until it ends by itself")
    demo.add_argument("--speed", type=positive, default=120.0, help="plant seconds per second (default: 120)")
    demo.add_argument("--report", type=Path, default=Path("report/demo.html"), metavar="FILE")
    demo.add_argument("--summary", type=Path, metavar="FILE", help="write the totals as JSON")
    demo.add_argument("--log-dir", type=Path, metavar="DIR", help="keep the logs of all processes there")
    demo.add_argument("--seed", type=int, default=1)
    demo.add_argument("--plain", action="store_true", help="lines instead of a live table")
    demo.add_argument(
        "--kill-device", action="append", default=[], metavar="NAME@T:D", help="kill a device at T s, restart after D s"
    )
    demo.set_defaults(command=commands.demo)


def _add_decode(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    decode = verbs.add_parser("decode", help="print what a capture, or octets in hexadecimal, say layer by layer")
    decode.add_argument(
        "source",
        nargs="+",
        metavar="FILE|-|HEX",
        help="a pcap or pcapng file, - for standard input, or hex",
    )
    _lines(decode)
    decode.set_defaults(command=traces.decode)


def _add_trace(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    trace = verbs.add_parser("trace", help="print what a station recorded, oldest first, and go on while it records")
    trace.add_argument("folder", type=Path, metavar="DIR", help="the folder that the key trace of the site file names")
    trace.add_argument("--name", default="", help="only the channel of this name (the files' names without number)")
    trace.add_argument("--follow", action="store_true", help="wait for more until interrupted")
    _lines(trace)
    trace.set_defaults(command=traces.follow)


def _lines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--protocol", default="dnp3", choices=sorted(DECODERS), help="default: dnp3")


def _clock(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--speed", type=positive, default=1.0, help="plant seconds per second; 1 for a real plant")
    parser.add_argument("--wall-start", type=int, metavar="MS", help="UTC ms at which plant time starts to count")
    parser.add_argument("--plant-start", type=int, metavar="MS", help="plant time then, UTC ms")


if __name__ == "__main__":
    sys.exit(main())
