"""A site as texts, to be kept beside the state of a running station and compared with another one later.

What points have in common (those of one map) is there once: a hundred thousand points are some megabytes.
"""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from vppscada.model.calculations import Calculation
from vppscada.model.errors import VppscadaError
from vppscada.model.points import Point
from vppscada.model.site import Site

FILE_NAME = "site.json"
_VERSION = 3
_OWN = ("id", "feedback")  # differ from asset to asset
_SHARED = tuple(field.name for field in dataclasses.fields(Point) if field.name not in _OWN)
ATTRIBUTES = (*_SHARED, "feedback")
_shared_of: Callable[[Point], tuple[object, ...]] = attrgetter(*_SHARED)

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Described:
    """One session or EMS outstation: settings by key, and its points (their rows in `Snapshot.kinds`) by name."""

    settings: Texts
    points: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A site in words. ``kinds`` are the sets of attributes that points have, each once, ordered as `ATTRIBUTES`."""

    kinds: tuple[tuple[str, ...], ...]
    sessions: Mapping[str, Described]
    ems: Mapping[str, Described]
    station: Mapping[str, int]  # points of no session
    assets: Mapping[str, Texts]
    data: Mapping[str, Texts]
    products: Mapping[str, Texts]
    plant: Texts
    schedule: Texts
    limits: Mapping[str, Texts] = dataclasses.field(default_factory=dict)


class _Kinds:
    """Numbers for sets of attributes."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[object, ...], int] = {}

    def number(self, point: Point) -> int:
        """The number of a point's attributes. Its feedback counts without the asset's name."""
        feedback = point.feedback or ""
        key = (*_shared_of(point), feedback.removeprefix(f"{point.asset}.") if feedback else "")
        return self._numbers.setdefault(key, len(self._numbers))

    def texts(self) -> tuple[tuple[str, ...], ...]:
        """Each set as texts, in the order of their numbers."""
        return tuple(tuple(map(_text, key)) for key in self._numbers)


def snapshot(site: Site) -> Snapshot:
    """The site in words."""
    kinds = _Kinds()
    sessions = {
        spec.name: Described(
            _settings(spec.protocol, spec.settings), {point.id: kinds.number(point) for _, point in spec.points}
        )
        for spec in site.sessions
    }
    ems = {
        spec.name: Described(
            _settings(spec.protocol, spec.settings),
            {f"{n} {one.point.id}": kinds.number(one.point) for n, one in enumerate(spec.exports)},
        )
        for spec in site.ems
    }
    of_sessions = {row for spec in site.sessions for row, _ in spec.points}
    station = {point.id: kinds.number(point) for row, point in enumerate(site.points) if row not in of_sessions}
    return Snapshot(
        kinds.texts(),
        sessions,
        ems,
        station,
        {asset.name: _fields(asset) for asset in site.fleet.assets},
        {source.name: _fields(source) for source in site.data},
        {product.name: _fields(product) for product in site.products},
        _fields(site.plant),
        _fields(site.schedule),
        {limit.name: _fields(limit) for limit in site.limits},
    )


def _settings(protocol: str, settings: object) -> Texts:
    return {"protocol": protocol} | _fields(settings)


def _fields(one: Any) -> dict[str, str]:
    if not dataclasses.is_dataclass(one):
        return {"settings": _text(one)}
    return {field.name: _text(getattr(one, field.name)) for field in dataclasses.fields(one)}


def _text(value: object) -> str:
    """A value as a person writes it; what has parts, part by part, so that two that are equal read alike."""
    if isinstance(value, Calculation):
        return value.expression.text
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value) if field.compare)
        return " ".join(f"{name}={_text(part)}" for name, part in parts if part not in (None, "", ()))
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, tuple):
        return "|".join(map(_text, value))
    return "" if value is None else str(value)


def write_snapshot(taken: Snapshot, folder: Path) -> None:
    """Put a snapshot into a state directory, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    content = json.dumps({"version": _VERSION, **dataclasses.asdict(taken)}, ensure_ascii=False)
    new = folder / f"{FILE_NAME}.new"
    with new.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / FILE_NAME)


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in a state directory.

    Raises:
        VppscadaError: there is none, or it is of another version or damaged.
    """
    file = folder / FILE_NAME
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.pop("version") != _VERSION:
            raise VppscadaError(f"{file}: written by another version")
        sessions, ems = (_described(content.pop(part)) for part in ("sessions", "ems"))
        kinds = tuple(tuple(kind) for kind in content.pop("kinds"))
        return Snapshot(kinds, sessions, ems, **content)
    except FileNotFoundError:
        raise VppscadaError(f"{folder}: no station has run with this state directory") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise VppscadaError(f"{file}: cannot be read ({error!r})") from None


def _described(content: Mapping[str, Mapping[str, Any]]) -> dict[str, Described]:
    return {name: Described(**one) for name, one in content.items()}
