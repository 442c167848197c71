"""``python -m protocols.opcua.new_user NAME read|operate``: a line of a users file, see `protocols.opcua.users`."""

import argparse
import getpass
import sys
from collections.abc import Sequence

from protocols.opcua.users import Right, user_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask for a password and print the line; with input from a pipe its first line is the password."""
    parser = argparse.ArgumentParser(
        prog="python -m protocols.opcua.new_user", description="Make a line of a users file."
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("right", choices=[str(right) for right in Right])
    options = parser.parse_args(arguments)
    if sys.stdin.isatty():
        password = getpass.getpass()
        if getpass.getpass("Once more: ") != password:
            parser.error("the two are not the same")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    try:
        sys.stdout.write(user_line(options.name, Right(options.right), password) + "\n")
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
