"""The grammar of the commands that prove what happened."""

import argparse
from pathlib import Path

from vppscada.admin import books
from vppscada.admin.arguments import site_argument

_Verbs = argparse._SubParsersAction


def add_proof(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    """Add ``books``."""
    kept = verbs.add_parser("books", help="what each asset really cost, earned and did, beside what was planned")
    site_argument(kept)
    _state(kept)
    kept.add_argument("--day", metavar="YYYY-MM-DD", help="a day of plant time, UTC (default: the newest)")
    _time(kept, required=False)
    kept.add_argument("--asset", action="append", default=[], metavar="NAME", help="only this one (may be repeated)")
    kept.add_argument("--foresight", action="store_true", help="plan each day anew with what really came")
    form = kept.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as one JSON object")
    form.add_argument("--csv", action="store_true", help="a line for each day, asset and kind of account")
    kept.set_defaults(command=books.books)


def _state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="of the station (default: $STATE_DIRECTORY, or state)"
    )


def _time(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--from", dest="since", metavar="T", required=required, help="ISO 8601, UTC")
    parser.add_argument("--to", dest="until", metavar="T", required=required, help="ISO 8601, UTC")
