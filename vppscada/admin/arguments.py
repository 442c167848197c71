"""Arguments that several commands have."""

import argparse
import math


def positive(text: str) -> float:
    """A number of an option that must be finite and above 0.

    Raises:
        argparse.ArgumentTypeError: it is not.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0.0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def site_argument(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """The site, and overrides of its settings."""
    words = "site file, or the name of a shipped site"
    parser.add_argument("site", metavar="SITE", nargs="?" if optional else None, help=words)
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting, e.g. session.battery1.port=20001",
    )
