"""Printing what somebody may have stopped reading (``| head``)."""

import os
import sys
from collections.abc import Sequence


def print_lines(lines: Sequence[str]) -> None:
    """Print lines, and end quietly where nobody reads any more."""
    try:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # or the interpreter would complain of it once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
