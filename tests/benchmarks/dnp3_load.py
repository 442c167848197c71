"""What the processes of a DNP3 benchmark are told, and what they say: one JSON argument, lines on stdout.

An outstation says ``base KB`` (its memory before it made anything), ``ready``, waits for ``go`` where it has something
to send, and lives until it is killed. A master says ``base KB``, ``begin`` when what is measured begins, and last of
all its figures as JSON.
"""

import json
import logging
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

OUTSTATION_ADDRESS, MASTER_ADDRESS = 10, 1
WARM_UP_S = 1.0
_STAMP_MODULUS = 1 << 31
_KB_PER_PAGE = 4
#: Value of the first event, unlike every value before it.
FIRST_EVENT = 2


@dataclass(frozen=True, slots=True)
class Load:
    """One run. ``points`` counts analogs, and binaries once more; ``fragment`` is the largest, in octets."""

    port: int
    seconds: float
    points: int = 10_000
    fragment: int = 2048
    stations: int = 1
    events_per_s: int = 0  # every one with another value
    swing_s: float = 0.0  # all analogs change so often; 0 = never
    stamps: int = 0  # updates, one at a time, whose value says when they were made
    values_only: bool = False  # opendnp3's master only: no flags, no times

    @property
    def events(self) -> int:
        """Events of the whole run."""
        return int(self.events_per_s * self.seconds)

    def as_argument(self) -> str:
        """For a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def of_argument(cls, argument: str) -> "Load":
        """From a command line."""
        return cls(**json.loads(argument))


def say(line: str) -> None:
    """One line to the benchmark."""
    print(line, flush=True)


def keep_quiet() -> None:
    """No log on the stdout that the benchmark reads only in part."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def say_base() -> None:
    """Memory before anything was made."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    say(f"base {pages * _KB_PER_PAGE}")


def say_figures(**figures: float | list[float]) -> None:
    """The last line of a master."""
    say(json.dumps(figures))


def wait_for_go() -> None:
    """Until the benchmark says go. Without a benchmark (it was killed) nobody needs this process."""
    for line in sys.stdin:
        if line.strip() == "go":
            return
    os._exit(1)


def wait_for_end() -> None:
    """Until the benchmark ends, which as a rule kills this process first."""
    sys.stdin.read()
    os._exit(1)


def stamp() -> int:
    """Now in microseconds of the machine's monotonic clock, small enough for a 32-bit analog."""
    return time.monotonic_ns() // 1000 % _STAMP_MODULUS


def age_us(stamped: float) -> float:
    """Microseconds since a stamp, which may have been made by another process."""
    return (stamp() - int(stamped)) % _STAMP_MODULUS


def stamp_gap_s(number: int) -> float:
    """Pause before a stamped update: uneven, so that it falls on no rhythm of either end."""
    return 0.002 + (number * 7919 % 4000) / 1e6
