"""Whether the units of an expression fit together, and what its result is in. Pure.

A sum, a comparison and a choice are of one unit: the language converts nothing by itself. Products and quotients have
the product and the quotient of the units. A number without a unit goes with everything, and so does a point without
units or in units that the units library does not know.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from vppscada.maps.quantities import Bare, Measure, Quantity, measure, power_of, ratio, same_kind, times, together
from vppscada.maps.units import PLANT_UNITS, expression_unit, linear
from vppscada.maps.words import quoted
from vppscada.model.expressions import Expression
from vppscada.model.expressions.syntax import Call, Node, Number, Reference, Timer

#: What people call an operation whose operands are of one unit.
_ALIKE = {
    **dict.fromkeys(("+", "sum"), "a sum"),
    "-": "a difference",
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), "a comparison"),
    **dict.fromkeys(("min", "max", "avg", "clamp", "mod"), ""),
    **dict.fromkeys(("select", "first_good"), "a choice"),
}
_ADDITIVE = ("+", "-", "sum")
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_SAME = ("abs", "negate", "round")
_LARGEST_EXPONENT = 100.0
_LONGEST = 60
TRUTH = Bare(constant=False)
_CONSTANT = Bare(constant=True)


class Source(NamedTuple):
    """A point that an expression reads: what it measures, and whether its line may say ``convert_to``."""

    name: str
    measure: Measure
    convertible: bool = False


class Misfit(NamedTuple):
    """Units that do not fit: at which character, what was found, what would be right."""

    position: int
    found: str
    expected: str


def result_of(expression: Expression, sources: Sequence[Source]) -> tuple[Measure, list[Misfit]]:
    """What an expression's value is in, and every place where its units do not fit.

    Args:
        expression: what to look at.
        sources: the points in `Expression.names`, in that order.
    """
    look = _Look(sources)
    return look.of(expression.root), look.misfits


def assignment(found: Measure, units: str) -> tuple[str, str] | None:
    """What is wrong with a value of that measure for a point in ``units``, and what would be right."""
    wanted = measure(units)
    if not isinstance(found, Quantity) or wanted is None:
        return None
    told = f"an expression in {_named(found)} for a point in {units}"
    if not same_kind(found, wanted):
        return told, f"an expression in {units}, or units of {_named(found)}"
    factor = _factor(found, wanted)
    if factor is None:
        return told, f"an expression in {units}"
    if factor != 1.0:
        return told, f"a factor of {factor:.6g} in the expression, or units of {_named(found)}"
    return (told, f"an expression in {units}") if _other_zero(found, wanted) else None


class _Look:
    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self.misfits: list[Misfit] = []

    def of(self, node: Node) -> Measure:
        match node:
            case Number():
                return _of_number(node)
            case Reference(index):
                return self._sources[index].measure
            case Timer():
                return self._timer(node)
            case Call(function, arguments):
                return self._called(function, arguments, [self.of(argument) for argument in arguments])

    def _timer(self, node: Timer) -> Measure:
        self.of(node.argument)
        given = _of_number(node.duration) if node.duration is not None else None
        seconds = measure("s")
        if node.duration and isinstance(given, Quantity) and seconds and not same_kind(given, seconds):
            found = f"{node.function} for a time in {node.duration.unit}"
            self.misfits.append(Misfit(node.duration.position, found, "a duration, as in 5 s"))
        return seconds if node.function == "elapsed" else TRUTH

    def _called(self, function: str, nodes: Sequence[Node], parts: Sequence[Measure]) -> Measure:
        if function in ("*", "/"):
            return times(parts[0], parts[1], 1 if function == "*" else -1)
        if function in _ALIKE:
            first = 1 if function == "select" else 0  # of a choice, not its condition
            common = self._alike(function, nodes[first:], parts[first:])
            return TRUTH if function in _COMPARISONS else common
        if function in _SAME:
            return parts[0]
        if function == "sqrt":
            return power_of(parts[0], Fraction(1, 2)) if isinstance(parts[0], Quantity) else parts[0]
        return self._power(nodes, parts) if function == "pow" else TRUTH

    def _alike(self, function: str, nodes: Sequence[Node], parts: Sequence[Measure]) -> Measure:
        """The unit that all of them have; None after a misfit, so that one mistake is told once."""
        common, of_common = parts[0], nodes[0]
        for node, part in zip(nodes[1:], parts[1:], strict=True):
            if isinstance(common, Quantity) and isinstance(part, Quantity):
                what = _ALIKE[function] or function
                wrong = self._misfit(what, (of_common, common), (node, part), function not in _ADDITIVE)
                if wrong is not None:
                    self.misfits.append(wrong)
                    return None
            elif isinstance(part, Quantity):
                of_common = node
            common = together(common, part, difference=function == "-")
        return common

    def _misfit(
        self, what: str, left: tuple[Node, Quantity], right: tuple[Node, Quantity], zeros: bool
    ) -> Misfit | None:
        position = right[0].position
        found = f"{what} of {_named(left[1])} and {_named(right[1])}"
        if not same_kind(left[1], right[1]):
            return Misfit(position, found, "units of one quantity")
        factor = _factor(left[1], right[1])
        other_zero = _other_zero(left[1], right[1])
        if factor == 1.0 and not (zeros and other_zero):
            return None
        if self._conversion(right, left) or (left[1].name in PLANT_UNITS and not self._conversion(left, right)):
            left, right = right, left  # what is to be changed comes first
        ways = [self._conversion(left, right)]
        if factor not in (None, 1.0) and not other_zero:
            ways.append(f"a factor of {ratio(left[1], right[1]):.6g} on the {_named(left[1])}")
        ways = [way for way in ways if way]
        return Misfit(position, found, f"one unit: {', or '.join(ways)}" if ways else "one unit")

    def _conversion(self, one: tuple[Node, Quantity], other: tuple[Node, Quantity]) -> str:
        """The column of the first one's line that brings it to the unit of the other; empty if it has none."""
        source = self._sources[one[0].index] if isinstance(one[0], Reference) else None
        wanted = other[1].name
        if source is None or not source.convertible or "·" in wanted or linear(one[1].name, wanted) is None:
            return ""
        return f"convert_to {quoted(wanted)} on the line of {source.name}"

    def _power(self, nodes: Sequence[Node], parts: Sequence[Measure]) -> Measure:
        base, exponent = parts
        if isinstance(exponent, Quantity) and exponent.dimension:
            self.misfits.append(Misfit(nodes[1].position, f"an exponent in {_named(exponent)}", "a bare number"))
            return None
        value = _literal(nodes[1])
        if not isinstance(base, Quantity):
            return base
        if value is None or not abs(value) <= _LARGEST_EXPONENT:
            return None
        return power_of(base, Fraction(value).limit_denominator(100))


def _of_number(node: Number) -> Measure:
    """Numbers are brought to the plant's unit as they are read; times to seconds."""
    if not node.unit:
        return _CONSTANT
    found = expression_unit(node.unit)
    return measure(found[0] if found else "s")


def _literal(node: Node) -> float | None:
    match node:
        case Number(value):
            return value if math.isfinite(value) else None
        case Call("negate", (Number(value),)):
            return -value if math.isfinite(value) else None
    return None


def _factor(left: Quantity, right: Quantity) -> float | None:
    """How much of the second unit is in the first; None where only who wrote it can tell (a turn and a cycle)."""
    plain = measure(left.name) == left and measure(right.name) == right
    return None if plain and linear(left.name, right.name) is None else ratio(left, right)


def _other_zero(left: Quantity, right: Quantity) -> bool:
    """Temperatures whose degrees are of one size, but are not counted from one zero."""
    return left.zero is not None and right.zero is not None and left.zero != right.zero


def _named(quantity: Quantity) -> str:
    return quantity.name if len(quantity.name) <= _LONGEST else f"{quantity.name[: _LONGEST - 1]}…"
