"""The words of an expression."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from vppscada.model.expressions.syntax import ExpressionError


class Kind(Enum):
    """Kinds of token."""

    NUMBER = auto()
    UNIT = auto()
    NAME = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A word and where it begins."""

    kind: Kind
    text: str
    position: int


_BLANK = re.compile(r"[ \t]*")
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3}(?![A-Za-z0-9_]))?", re.ASCII)
#: A unit follows its number: kW, %, m/s, W/m2. Never a word of logic.
_UNIT = re.compile(r"(?!(?:and|or|not)\b)[A-Za-z%°µ][A-Za-z0-9%°µ²³^]*(/[A-Za-z][A-Za-z0-9²³^]*)?")
#: asset.point as one word, also with hyphens in the asset's name; or a bare name.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_]*|[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_SIGN = re.compile(r"<=|>=|==|!=|[-+*/<>(),]")


def tokens(text: str) -> Iterator[Token]:
    """The words of a text and, at last, its end.

    Raises:
        ExpressionError: a character that begins none of them.
    """
    at = _blank(text, 0)
    after_number = False
    while at < len(text):
        token = _token(text, at, after_number)
        yield token
        after_number = token.kind is Kind.NUMBER
        at = _blank(text, at + len(token.text))
    yield Token(Kind.END, "", len(text))


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _token(text: str, at: int, after_number: bool) -> Token:
    for kind, form in ((Kind.UNIT, _UNIT), (Kind.NUMBER, _NUMBER), (Kind.NAME, _NAME), (Kind.SIGN, _SIGN)):
        found = form.match(text, at) if kind is not Kind.UNIT or after_number else None
        if found:
            return Token(kind, found[0], at)
    expected = "== to compare" if text[at] == "=" else "a number, a point, a function, an operator or a parenthesis"
    raise ExpressionError(at, repr(text[at]), expected)
