"""The grammar of the commands that prove what happened."""

import argparse
from pathlib import Path

from vppscada.admin import books, evidence
from vppscada.admin.arguments import positive, site_argument
from vppscada.proof.baseline import Method

_Verbs = argparse._SubParsersAction


def add_proof(verbs: "_Verbs[argparse.ArgumentParser]") -> None:
    """Add ``books`` and ``evidence``."""
    kept = verbs.add_parser("books", help="what each asset really cost, earned and did, beside what was planned")
    site_argument(kept)
    _state(kept)
    kept.add_argument("--day", metavar="YYYY-MM-DD", help="a day of plant time, UTC (default: the newest)")
    _time(kept, "plant time")
    kept.add_argument("--asset", action="append", default=[], metavar="NAME", help="only this one (may be repeated)")
    kept.add_argument("--foresight", action="store_true", help="plan each day anew with what really came")
    form = kept.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as one JSON object")
    form.add_argument("--csv", action="store_true", help="a line for each day, asset and kind of account")
    kept.set_defaults(command=books.books)
    pack = verbs.add_parser(
        "evidence", help="the evidence of a called event as one pack of files, or check such a pack"
    )
    site_argument(pack, optional=True)
    _state(pack)
    _time(pack, "wall-clock time, as the journal has it")
    pack.add_argument("--out", type=Path, metavar="PATH", help="a new folder, or a zip if it is named so")
    pack.add_argument(
        "--baseline", default=str(Method.TEN_OF_TEN), choices=[str(one) for one in Method], help="default: 10of10"
    )
    pack.add_argument(
        "--exclude-day", action="append", default=[], metavar="YYYY-MM-DD", help="no day for the baseline (repeatable)"
    )
    pack.add_argument("--step", type=positive, metavar="S", help="plant seconds of a part (default: as the books have)")
    pack.add_argument(
        "--verify", type=Path, metavar="PACK", help="name each file that is changed, missing or added (1)"
    )
    pack.add_argument(
        "--hash", default="", metavar="SHA256", help="with --verify: the hash of the whole it should have"
    )
    pack.set_defaults(command=evidence.evidence)


def _state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="of the station (default: $STATE_DIRECTORY, or state)"
    )


def _time(parser: argparse.ArgumentParser, which: str) -> None:
    parser.add_argument("--from", dest="since", metavar="T", help=f"ISO 8601, UTC, {which}")
    parser.add_argument("--to", dest="until", metavar="T", help=f"ISO 8601, UTC, {which}")
