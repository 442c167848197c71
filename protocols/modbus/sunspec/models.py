"""SunSpec model definitions, as pysunspec2 bundles them, laid out on registers.

A model is a header (ID, L) and what its definition says; groups repeat as often as the definition, a point of the
model, or the model's length says (SunSpec Device Information Model Specification).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

BASE = 40_000
END_MODEL = 0xFFFF
MARKER = 0x5375_6E53  # "SunS"
#: More repetitions than any device has: a length that lies cannot make us write a map without end.
_MOST_REPEATED = 1000


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A point of a model at its register. ``instance`` counts the models of one number in a chain, from 1.

    ``constant`` is a value that does not change as long as the device is the same one; ``implemented`` is False where
    the device says that it has no such point.
    """

    model: int
    register: int
    path: str  # with the groups that it is in: Crv_2.Pt_1.V
    definition: Mapping[str, Any] = field(repr=False)
    instance: int = 1
    constant: int | None = None
    implemented: bool = True

    @property
    def key(self) -> str:
        """``701.W``; of the second model 701 of a chain ``701#2.W``."""
        return f"{self.model}{'' if self.instance == 1 else f'#{self.instance}'}.{self.path}"

    @property
    def name(self) -> str:
        """Name of its line where it has no role: ``m701_w``."""
        number = "" if self.instance == 1 else f"_{self.instance}"
        return f"m{self.model}{number}_{self.path.lower().replace('.', '_')}"


def scale_factor_of(point: ModelPoint, by_key: Mapping[str, ModelPoint]) -> ModelPoint | None:
    """The point that holds its exponent: of its own group or the nearest around it; None if it has none."""
    factor = point.definition.get("sf")
    if not isinstance(factor, str) or not factor:
        return None
    model, _, path = point.key.partition(".")
    while path:
        path = path.rpartition(".")[0]
        holder = by_key.get(f"{model}.{path}.{factor}" if path else f"{model}.{factor}")
        if holder is not None:
            return holder
    return None


@cache
def definition(model: int) -> Mapping[str, Any] | None:
    """The top group of a model's definition; None if nobody has defined it."""
    source = files("sunspec2.models") / "json" / f"model_{model}.json"
    if not source.is_file():
        return None
    group: Mapping[str, Any] = json.loads(source.read_text(encoding="utf-8"))["group"]
    return group


def counting(group: Mapping[str, Any]) -> frozenset[str]:
    """Names of the points that say how often groups repeat."""
    inner = group.get("groups", ())
    own = (one["count"] for one in inner if isinstance(one.get("count"), str))
    return frozenset(own).union(*map(counting, inner))


def defined(model: int) -> Mapping[str, Any]:
    """As `definition`.

    Raises:
        KeyError: there is none.
    """
    group = definition(model)
    if group is None:
        raise KeyError(model)
    return group


Placed = tuple[str, int, Mapping[str, Any]]


def layout(group: Mapping[str, Any], words: Sequence[int] | None = None) -> Iterator[Placed]:
    """Path, offset from the model's first register, and definition of every point.

    Without ``words`` (the model's registers, its header among them) every group is there once.
    """
    yield from _Layout(words).group(group, "", 0, {})


class _Layout:
    def __init__(self, words: Sequence[int] | None) -> None:
        self._words = words

    def group(self, group: Mapping[str, Any], prefix: str, offset: int, counts: dict[str, int]) -> Iterator[Placed]:
        """The points of a group that begins at an offset; ``counts`` are the points seen so far that may count."""
        for point in group.get("points", ()):
            yield prefix + point["name"], offset, point
            counts[point["name"]] = self._word(offset)
            offset += int(point["size"])
        for inner in group.get("groups", ()):
            size = _size(inner, counts)
            repeated = self._repeated(inner, counts, size, offset)
            for number in range(1, repeated + 1):
                name = inner["name"] if repeated == 1 else f"{inner['name']}_{number}"
                yield from self.group(inner, f"{prefix}{name}.", offset, dict(counts))
                offset += size

    def _word(self, offset: int) -> int:
        return self._words[offset] if self._words is not None and offset < len(self._words) else 0

    def _repeated(self, group: Mapping[str, Any], counts: Mapping[str, int], size: int, offset: int) -> int:
        if self._words is None:
            return 1
        count = group.get("count", 1)
        left = max(len(self._words) - offset, 0) // max(size, 1)
        wanted = counts.get(count, 0) if isinstance(count, str) else left if count == 0 else int(count)
        return min(wanted, left, _MOST_REPEATED)


def _size(group: Mapping[str, Any], counts: Mapping[str, int]) -> int:
    """Registers of one repetition of a group; groups within it that a point counts are counted by that point."""
    own = sum(int(point["size"]) for point in group.get("points", ()))
    for inner in group.get("groups", ()):
        count = inner.get("count", 1)
        own += _size(inner, counts) * (counts.get(count, 1) if isinstance(count, str) else max(int(count), 1))
    return own


def chain(models: Sequence[int], exponents: Mapping[str, int]) -> list[ModelPoint]:
    """Every point of a device that nobody has asked, one model after another, groups once.

    ``exponents`` are the values of its scale factors by key; 0 where nothing is said.
    """
    points: list[ModelPoint] = []
    register = BASE + 2
    for model in models:
        found = list(layout(defined(model)))
        length = sum(int(point["size"]) for _, _, point in found) - 2
        for path, offset, point in found:
            constant = {"ID": model, "L": length}.get(path)
            if constant is None and point["type"] == "sunssf":
                constant = exponents.get(f"{model}.{path}", 0)
            points.append(ModelPoint(model, register + offset, path, point, constant=constant))
        register += length + 2
    return [*points, *end(register)]


def end(register: int) -> Iterator[ModelPoint]:
    """What ends a chain: model 0xFFFF of length 0."""
    for offset, (name, value) in enumerate((("ID", END_MODEL), ("L", 0))):
        point = {"name": name, "type": "uint16", "size": 1, "desc": "End of the models."}
        yield ModelPoint(0, register + offset, name, point, constant=value)
