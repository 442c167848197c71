"""The grammar of what is asked of the plant as an economy: its costs and its schedule."""

import argparse
import math
import re
from pathlib import Path

from vppscada.admin import cost, schedule
from vppscada.admin.arguments import positive, site_argument
from vppscada.admin.quantities import moment_ms, running, share, targets
from vppscada.model.offers import Units

_Verbs = argparse._SubParsersAction


def add_planning(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    """Add ``cost`` and ``schedule``."""
    _add_cost(verbs)
    _add_schedule(verbs)


def _add_schedule(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    planned = verbs.add_parser("schedule", help="the schedule of a site, made here or of a running station, and why")
    site_argument(planned)
    planned.add_argument("--explain", action="store_true", help="why each power: the limit that decides, and its value")
    planned.add_argument("--asset", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    planned.add_argument("--when", type=moment_ms, metavar="TIME", help="only the step that covers this plant time")
    _moment(planned)
    planned.add_argument("--json", action="store_true", help="as one JSON object")
    planned.set_defaults(command=schedule.schedule)


def _add_cost(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    asked = verbs.add_parser("cost", help="what it costs to meet a requirement, or the cost curve (3 = not to be met)")
    asked._negative_number_matcher = re.compile(r"^-\.?\d")  # -5MW is a target, not an option
    site_argument(asked)
    what = asked.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--target",
        action="append",
        type=targets,
        metavar="POWER",
        help="5MW, -500kW, several with commas, or a range 0:15:1 (from, to, step); MW where no units stand",
    )
    what.add_argument("--curve", action="store_true", help="money per hour over MW, with the marginal cost")
    asked.add_argument("--hours", type=positive, default=1.0, metavar="H", help="to be held for so long (default: 1)")
    asked.add_argument(
        "--units",
        choices=[str(one) for one in Units],
        default=str(Units.FREE),
        help="on: only thermal units that are on; free: they may be started and stopped (default)",
    )
    asked.add_argument(
        "--worth", type=_price, metavar="PRICE", help="of a MWh in store (default: what the schedule makes of it)"
    )
    asked.add_argument("--points", type=_points, metavar="N", help="at most so many break points of the curve")
    _moment(asked)
    shown = asked.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="as one JSON object")
    shown.add_argument("--csv", action="store_true", help="as a table with commas")
    asked.set_defaults(command=cost.cost)


def _moment(parser: argparse.ArgumentParser) -> None:
    """What is to be known of the plant: from a running station, or presumed."""
    parser.add_argument("--state", type=Path, metavar="DIR", help="ask the station that runs with this state directory")
    parser.add_argument(
        "--at", type=moment_ms, metavar="TIME", help="plant time, ISO 8601 (default: now, or where the data begins)"
    )
    parser.add_argument(
        "--on",
        type=running,
        action="append",
        default=[],
        metavar="NAME[=POWER]",
        help="a thermal unit that is on (default: all off); all for all",
    )
    parser.add_argument(
        "--soc",
        type=share,
        action="append",
        default=[],
        metavar="[NAME=]PERCENT",
        help="state of charge of a store, or of all (default: 50)",
    )
    parser.add_argument("--emergency", action="store_true", help="emergency generators may run")


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not math.isfinite(price):
        raise argparse.ArgumentTypeError(f"{text!r} is no price")
    return price


def _points(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of break points; expected 2 or more")
    return int(text)
