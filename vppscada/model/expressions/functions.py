"""What functions and operators do to values. Quality and time are not theirs: see `evaluate`."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Work = Callable[[Sequence[float]], float]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of values: how many it takes (``most`` None = any number) and what it makes of them.

    ``work`` may raise ArithmeticError or ValueError where there is no answer.
    """

    least: int
    most: int | None
    work: Work


def _clamp(values: Sequence[float]) -> float:
    value, low, high = values
    return min(max(value, low), high)


def _bit(values: Sequence[float]) -> float:
    """Bit ``values[1]`` (0 = the lowest) of a whole number; negative ones in two's complement."""
    word, place = values
    if not (word.is_integer() and place.is_integer() and 0 <= place < 64):
        raise ValueError("no such bit")
    return float(int(word) >> int(place) & 1)


OPERATORS: dict[str, Work] = {
    "+": lambda v: v[0] + v[1],
    "-": lambda v: v[0] - v[1],
    "*": lambda v: v[0] * v[1],
    "/": lambda v: v[0] / v[1],
    "negate": lambda v: -v[0],
    "<": lambda v: float(v[0] < v[1]),
    "<=": lambda v: float(v[0] <= v[1]),
    ">": lambda v: float(v[0] > v[1]),
    ">=": lambda v: float(v[0] >= v[1]),
    "==": lambda v: float(v[0] == v[1]),
    "!=": lambda v: float(v[0] != v[1]),
    "and": lambda v: float(v[0] != 0.0 and v[1] != 0.0),
    "or": lambda v: float(v[0] != 0.0 or v[1] != 0.0),
    "not": lambda v: float(v[0] == 0.0),
}
FUNCTIONS: dict[str, Function] = {
    "abs": Function(1, 1, lambda v: abs(v[0])),
    "min": Function(1, None, min),
    "max": Function(1, None, max),
    "sum": Function(1, None, math.fsum),
    "avg": Function(1, None, lambda v: math.fsum(v) / len(v)),
    "sqrt": Function(1, 1, lambda v: math.sqrt(v[0])),
    "pow": Function(2, 2, lambda v: math.pow(v[0], v[1])),
    "mod": Function(2, 2, lambda v: v[0] % v[1]),
    "round": Function(1, 1, lambda v: float(round(v[0]))),
    "clamp": Function(3, 3, _clamp),
    "bit": Function(2, 2, _bit),
}
#: Functions that choose by value or by quality: how many arguments they take.
CHOOSING: dict[str, tuple[int, int | None]] = {"select": (3, 3), "if": (3, 3), "good": (1, 1), "first_good": (2, None)}
#: Timers in the sense of IEC 61131-3 (TON, TOF, TP), and the seconds for which something has been true.
TIMERS: dict[str, int] = {"on_delay": 2, "off_delay": 2, "pulse": 2, "elapsed": 1}
