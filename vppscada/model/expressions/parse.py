"""From text to tree, by recursive descent: one method for each level of binding."""

import difflib
from collections.abc import Callable, Sequence

from vppscada.model.expressions.functions import CHOOSING, FUNCTIONS, TIMERS
from vppscada.model.expressions.syntax import (
    Call,
    Expression,
    ExpressionError,
    Node,
    Number,
    Reference,
    Timer,
    height_above,
)
from vppscada.model.expressions.tokens import Kind, Token, tokens

#: Factor from a unit to the plant's unit of that quantity (seconds for times); None if there is no such unit.
UnitFactor = Callable[[str], float | None]
LONGEST = 4_000
DEEPEST = 60
HIGHEST = 2 * DEEPEST
LONGEST_DELAY_S = 31 * 86_400.0
_DURATIONS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_ARITIES = {
    **{name: (function.least, function.most) for name, function in FUNCTIONS.items()},
    **CHOOSING,
    **{name: (count, count) for name, count in TIMERS.items()},
}


def durations(unit: str) -> float | None:
    """Seconds in a unit of time: the units of expressions that need no other."""
    return _DURATIONS.get(unit)


def parse(text: str, unit_factor: UnitFactor = durations) -> Expression:
    """The expression that a text means.

    Raises:
        ExpressionError: the first fault of it, with its position.
    """
    if len(text) > LONGEST:
        raise ExpressionError(LONGEST, f"{len(text)} characters", f"at most {LONGEST}")
    return _Parser(text, unit_factor).whole()


class _Parser:
    def __init__(self, text: str, unit_factor: UnitFactor) -> None:
        self._text = text
        self._unit_factor = unit_factor
        self._tokens = list(tokens(text))
        self._at = 0
        self._depth = 0
        self._names: dict[str, int] = {}  # name → where it stands first
        self._timers = 0

    def whole(self) -> Expression:
        root = self._or()
        if self._next.kind is not Kind.END:
            raise self._fault("an operator, or the end")
        return Expression(self._text, root, tuple(self._names), tuple(self._names.values()), self._timers)

    # tokens

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += token.kind is not Kind.END
        return token

    def _fault(self, expected: str) -> ExpressionError:
        token = self._next
        return ExpressionError(token.position, repr(token.text) if token.text else "the end", expected)

    def _one_of(self, *texts: str) -> str | None:
        if self._next.kind in (Kind.SIGN, Kind.NAME) and self._next.text in texts:
            return self._take().text
        return None

    def _want(self, sign: str) -> None:
        if self._one_of(sign) is None:
            raise self._fault(repr(sign))

    # levels, the loosest first

    def _or(self) -> Node:
        return self._chain(self._and, "or")

    def _and(self) -> Node:
        return self._chain(self._not, "and")

    def _not(self) -> Node:
        position = self._next.position
        if self._one_of("not"):
            return self._deeper(lambda: self._part("not", (self._not(),), position))
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._chain(self._product, "+", "-")
        sign = self._one_of(*_COMPARISONS)
        if sign is None:
            return left
        node = self._part(sign, (left, self._chain(self._product, "+", "-")), left.position)
        if self._next.text in _COMPARISONS:
            raise self._fault("and, or, or parentheses: comparisons do not chain")
        return node

    def _product(self) -> Node:
        return self._chain(self._signed, "*", "/")

    def _signed(self) -> Node:
        position = self._next.position
        if self._one_of("-"):
            return self._deeper(lambda: self._part("negate", (self._signed(),), position))
        return self._operand()

    def _chain(self, level: Callable[[], Node], *signs: str) -> Node:
        node = level()
        links = 0
        while (sign := self._one_of(*signs)) is not None:
            links += 1
            if links > DEEPEST:
                raise self._fault(f"at most {DEEPEST} operators in a row, or sum(…)")
            node = self._part(sign, (node, level()), node.position)
        return node

    def _part(self, function: str, arguments: tuple[Node, ...], position: int) -> Call:
        return Call(function, arguments, position, self._height(arguments, position))

    def _height(self, arguments: Sequence[Node], position: int) -> int:
        """Chains within chains pile up although none of them is long: who works them out must come back from there."""
        height = height_above(arguments)
        if height > HIGHEST:
            raise ExpressionError(position, f"{height} operators within each other", f"at most {HIGHEST}")
        return height

    def _deeper(self, inner: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._fault(f"at most {DEEPEST} levels")
        node = inner()
        self._depth -= 1
        return node

    # operands

    def _operand(self) -> Node:
        token = self._next
        if token.kind is Kind.NUMBER:
            return self._number()
        if self._one_of("("):
            node = self._deeper(self._or)
            self._want(")")
            return node
        if token.kind is not Kind.NAME or token.text in ("and", "or", "not"):
            raise self._fault("a number, a point, a function or '('")
        self._take()
        if self._next.text == "(":
            return self._deeper(lambda: self._call(token))
        if token.text in ("true", "false"):
            return Number(float(token.text == "true"), position=token.position)
        self._names.setdefault(token.text, token.position)
        return Reference(list(self._names).index(token.text), token.position)

    def _number(self) -> Number:
        token = self._take()
        value, written = float(token.text), ""
        if self._next.kind is Kind.UNIT:
            unit = self._take()
            factor = durations(unit.text)
            factor = self._unit_factor(unit.text) if factor is None else factor
            if factor is None:
                expected = "a unit, as in 250 kW or 5 min (a blank before / divides)"
                raise ExpressionError(unit.position, repr(unit.text), expected)
            value, written = value * factor, unit.text
        return Number(value, written, token.position)

    def _call(self, name: Token) -> Node:
        if name.text not in _ARITIES:
            near = difflib.get_close_matches(name.text, _ARITIES, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ExpressionError(
                name.position, f"function {name.text!r}", f"one of {', '.join(sorted(_ARITIES))}{hint}"
            )
        self._want("(")
        begins: list[int] = []
        arguments: list[Node] = []
        while not arguments or self._one_of(","):
            begins.append(self._next.position)
            arguments.append(self._or())
        self._want(")")
        self._check_count(name, len(arguments))
        if name.text in TIMERS:
            return self._timer(name, arguments, begins)
        return self._part("select" if name.text == "if" else name.text, tuple(arguments), name.position)

    def _check_count(self, name: Token, count: int) -> None:
        least, most = _ARITIES[name.text]
        if count < least or (most is not None and count > most):
            wanted = f"{least}" if most == least else f"{least} or more"
            raise ExpressionError(name.position, f"{name.text} of {count}", f"{name.text} of {wanted}")

    def _timer(self, name: Token, arguments: list[Node], begins: list[int]) -> Timer:
        duration = Number(0.0)
        if len(arguments) > 1:
            given = arguments[1]
            if not isinstance(given, Number) or not 0.001 <= given.value <= LONGEST_DELAY_S:
                found = self._text[begins[1] :].split(")")[0].strip()
                raise ExpressionError(begins[1], repr(found[:30]), "a duration, as in 5 s, up to 31 d")
            duration = given
        self._timers += 1
        duration_ms = round(duration.value * 1000.0)
        height = self._height(arguments, name.position)
        return Timer(name.text, arguments[0], duration_ms, self._timers - 1, duration, name.position, height)
