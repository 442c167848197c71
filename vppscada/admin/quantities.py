"""Powers and times as they are written on a command line."""

import argparse
import math
import re
from datetime import UTC, datetime

from vppscada.maps.units import linear

_POWER = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z%]*)\s*")
_MOST_TARGETS = 2_000
#: A range ends at its last value, give or take this share of a step.
_FUZZ = 1e-9


def targets(text: str) -> list[float]:
    """Powers in MW: ``5MW``, ``-500kW``, ``0:15:1`` (from, to, step), several with commas. A bare number is MW.

    In a range units stand with its last number, for all three, or with each.

    Raises:
        argparse.ArgumentTypeError: it is none of these.
    """
    found = [power for part in text.split(",") for power in _range(part)]
    if len(found) > _MOST_TARGETS:
        raise argparse.ArgumentTypeError(f"{text!r} is {len(found)} targets; expected at most {_MOST_TARGETS}")
    return found


def _range(text: str) -> list[float]:
    parts = [_number(part, text) for part in text.split(":")]
    units = [unit for _, unit in parts]
    if len(parts) > 1 and any(units) and not all(units):
        if any(units[:-1]):
            raise argparse.ArgumentTypeError(f"{text!r}: expected units with the last number only, or with each")
        units = [units[-1]] * len(units)
    powers = [number * _factor(unit, text) for (number, _), unit in zip(parts, units, strict=True)]
    if len(powers) == 1:
        return powers
    if len(powers) != 3:
        raise argparse.ArgumentTypeError(f"{text!r} is no power and no range; expected 5MW or FROM:TO:STEP")
    first, last, step = powers
    if step <= 0.0 or last < first:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a range that rises by a step above 0")
    steps = (last - first) / step + _FUZZ
    if steps >= _MOST_TARGETS:
        raise argparse.ArgumentTypeError(f"{text!r} is too many targets; expected at most {_MOST_TARGETS}")
    return [first + i * step for i in range(int(steps) + 1)]


def _number(part: str, text: str) -> tuple[float, str]:
    found = _POWER.fullmatch(part)
    if found is None or not math.isfinite(float(found[1])):
        raise argparse.ArgumentTypeError(f"{text!r} is no power; expected a number with kW, MW or GW")
    return float(found[1]), found[2]


def _factor(unit: str, text: str) -> float:
    known = linear(unit, "MW") if unit else (1.0, 0.0)
    if known is None:
        raise argparse.ArgumentTypeError(f"{text!r}: {unit!r} is no unit of power; expected kW, MW or GW")
    return known[0]


def moment_ms(text: str) -> int:
    """A time in ISO 8601 (UTC where it names no zone) as UTC milliseconds.

    Raises:
        argparse.ArgumentTypeError: it is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; expected one like 2024-07-01T12:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def time_words(plant_ms: int) -> str:
    """A time for people."""
    return f"{datetime.fromtimestamp(plant_ms / 1000.0, UTC):%Y-%m-%d %H:%M} UTC"


def share(text: str) -> tuple[str, float]:
    """``50`` or ``battery1=50`` in percent as a name ('' for all) and a share of 0..1.

    Raises:
        argparse.ArgumentTypeError: no number from 0 to 100.
    """
    name, equals, number = text.rpartition("=")
    try:
        percent = float(number)
    except ValueError:
        percent = math.nan
    if not 0.0 <= percent <= 100.0 or (equals and not name):
        raise argparse.ArgumentTypeError(f"{text!r} is no state of charge; expected 0 to 100, or NAME=0 to 100")
    return name, percent / 100.0


def running(text: str) -> tuple[str, float | None]:
    """``engine1``, ``engine1=3MW`` or ``all`` as a name and the power in MW, if it is told.

    Raises:
        argparse.ArgumentTypeError: the power is none.
    """
    name, equals, power = text.partition("=")
    if not equals:
        return name, None
    number, unit = _number(power, text)
    return name, number * _factor(unit, text)
