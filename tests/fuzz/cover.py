"""Coverage-guided fuzzing of one target: ``python -m tests.fuzz.cover TARGET [libFuzzer's arguments]``.

Only in a process of its own: the fuzzer instruments what is imported here and never returns.
"""

import logging
import sys

import atheris

with atheris.instrument_imports(include=["protocols"]):
    from tests.fuzz.script import mutate
    from tests.fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    """Fuzz until a limit of libFuzzer's arguments ends it."""
    target = TARGETS[arguments[1]]
    logging.disable(logging.CRITICAL)
    scripted = arguments[1] != "application"

    def bend(data: bytes, most: int, seed: int) -> bytes:
        return mutate(data, most, seed, atheris.Mutate)

    atheris.Setup(arguments[:1] + arguments[2:], target, **({"custom_mutator": bend} if scripted else {}))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
