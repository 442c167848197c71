"""The tree of an expression. Positions are characters of its text, from 0."""

from dataclasses import dataclass

from vppscada.model.errors import VppscadaError


class ExpressionError(VppscadaError):
    """A fault of an expression: at which character, what was found, what would be right."""

    def __init__(self, position: int, found: str, expected: str) -> None:
        self.position = position
        self.found = found
        self.expected = expected
        super().__init__(f"character {position + 1}: {found}; expected {expected}")


@dataclass(frozen=True, slots=True)
class Number:
    """A constant, in the plant's units."""

    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """A point, by its place in `Expression.names`."""

    index: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator by its name, and what it is worked out of."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer; ``index`` is its place in the memory of the expression."""

    function: str
    argument: "Node"
    duration_ms: int
    index: int


Node = Number | Reference | Call | Timer


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression without faults of its own; whether its points exist is somebody else's question."""

    text: str
    root: Node
    names: tuple[str, ...]  # the points it reads, as written, each once
    positions: tuple[int, ...]  # where each of them stands first
    timers: int
