"""The tree of an expression. Positions are characters of its text, from 0: where a part begins."""

from collections.abc import Iterable
from dataclasses import dataclass, field

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
    """A constant, in the plant's units; ``unit`` as it was written, empty without one."""

    value: float
    unit: str = ""
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A point, by its place in `Expression.names`."""

    index: int
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator by its name, and what it is worked out of."""

    function: str
    arguments: tuple["Node", ...]
    position: int = field(default=0, compare=False)
    height: int = field(default=1, compare=False)  # of the tree below it, itself counted


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer; ``index`` is its place in the memory of the expression, ``duration`` the second argument as written."""

    function: str
    argument: "Node"
    duration_ms: int
    index: int
    duration: Number | None = None
    position: int = field(default=0, compare=False)
    height: int = field(default=1, compare=False)


Node = Number | Reference | Call | Timer


def height_above(arguments: Iterable[Node]) -> int:
    """The height of a part that is worked out of these."""
    return 1 + max((node.height if isinstance(node, Call | Timer) else 0 for node in arguments), default=0)


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression without faults of its own; whether its points exist is somebody else's question."""

    text: str
    root: Node
    names: tuple[str, ...]  # the points it reads, as written, each once
    positions: tuple[int, ...]  # where each of them stands first
    timers: int
