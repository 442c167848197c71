"""The grammar of the commands at an engineer's desk."""

import argparse
from pathlib import Path

from vppscada.admin import commissioning
from vppscada.admin.arguments import positive, site_argument

_Verbs = argparse._SubParsersAction
_WAIT_S = 15.0


def add_commissioning(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    """Add ``read``, ``watch``, ``operate`` and ``checkout``."""
    read = _add(verbs, "read", "read points off the devices themselves, once", commissioning.read)
    _points(read)
    watch = _add(verbs, "watch", "print points of the devices as they change", commissioning.watch)
    _points(watch)
    watch.add_argument("--duration", type=positive, metavar="S", help="end after so many seconds")
    operate = _add(verbs, "operate", "send one command to a device", commissioning.operate)
    operate.add_argument("point", metavar="POINT", help="full id of an output")
    operate.add_argument("value", metavar="VALUE", help="in the point's units, or the name of a state")
    operate.add_argument("--yes", action="store_true", help="do not ask")
    _person(operate)
    checkout = _add(verbs, "checkout", "check an asset point by point, make a sheet to sign", commissioning.checkout)
    checkout.add_argument("asset", metavar="ASSET")
    checkout.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="record and sheets go there")
    checkout.add_argument("--answers", type=Path, metavar="CSV", help="what device and EMS show, instead of asking")
    checkout.add_argument("--again", action="store_true", help="also the points that have passed already")
    _person(checkout)


def _add(verbs: "_Verbs[argparse.ArgumentParser]", word: str, what: str, command: object) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(word, help=what)
    site_argument(parser)
    parser.add_argument("--state", type=Path, metavar="DIR", help="where the journal is kept, as of run")
    parser.add_argument("--wait", type=positive, default=_WAIT_S, metavar="S", help="for the devices to answer")
    parser.add_argument("--log-level", default="error", choices=("debug", "info", "warning", "error"))
    parser.set_defaults(command=command)
    return parser


def _points(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("points", nargs="+", metavar="POINT", help="full ids, or names of assets for all of theirs")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", default="", metavar="NAME", help="who does it (default: the user logged in)")
