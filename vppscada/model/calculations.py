"""A calculated point's expression with the ids of the points that it reads."""

from dataclasses import dataclass

from vppscada.model.expressions import Expression


@dataclass(frozen=True, slots=True)
class Calculation:
    """``inputs`` are point ids, in the order of `Expression.names`."""

    expression: Expression
    inputs: tuple[str, ...]
