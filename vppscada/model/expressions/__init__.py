"""The expression language of calculated points: arithmetic, logic, timers and tests of quality over points.

`parse` makes a tree or tells every position of a fault, `evaluate` works it out. Pure: no clock, no state of its own.
"""

from vppscada.model.expressions.evaluate import Outcome, Reading, evaluate
from vppscada.model.expressions.parse import parse
from vppscada.model.expressions.syntax import Expression, ExpressionError

__all__ = ["Expression", "ExpressionError", "Outcome", "Reading", "evaluate", "parse"]
