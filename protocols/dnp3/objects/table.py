"""The object library: every group and variation we speak, as a record of fixed stride (IEEE 1815, annex A)."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from vppscada.model.points import PointKind

#: Field words of the table and what they are on the wire. A 48-bit time is two fields, joined when read.
_FIELDS: dict[str, tuple[tuple[str, str], ...]] = {
    "flags": (("flags", "u1"),),
    "int16": (("value", "<i2"),),
    "int32": (("value", "<i4"),),
    "uint8": (("value", "u1"),),
    "uint16": (("value", "<u2"),),
    "uint32": (("value", "<u4"),),
    "float32": (("value", "<f4"),),
    "float64": (("value", "<f8"),),
    "time": (("time_low", "<u4"), ("time_high", "<u2")),
    "delta": (("delta", "<u2"),),
    "interval": (("interval", "<u4"),),
    "units": (("units", "u1"),),
    "status": (("status", "u1"),),
    "association": (("association", "<u2"),),
    "crob": (("code", "u1"), ("count", "u1"), ("on_ms", "<u4"), ("off_ms", "<u4")),
}

_EVENT_GROUPS = frozenset({2, 4, 11, 13, 22, 23, 32, 33, 42, 43, 111, 113, 122})
#: Groups that we neither serve nor map: a master knows their size, so that what stands behind them is not lost.
_PASSED_OVER = frozenset({102, 121, 122})
_BI, _DI, _AI = PointKind.BINARY_INPUT, PointKind.DOUBLE_BIT_INPUT, PointKind.ANALOG_INPUT
_CT, _BO, _AO = PointKind.COUNTER, PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT
_FROZEN_KIND = {21: _CT, 23: _CT, 31: _AI, 33: _AI}


@dataclass(frozen=True, slots=True, eq=False)
class ObjectForm:
    """How one variation of one group lies on the wire.

    ``kind`` is None where the object is no reading of a point (commands, times, frozen values, …); ``frozen_kind``
    is the kind of point whose frozen value it is.
    ``record`` is None for packed bits (``bits`` of them per object) and for objects without data.
    """

    group: int
    variation: int
    kind: PointKind | None
    record: "np.dtype[np.void] | None"
    bits: int = 0
    prefixed: "dict[int, np.dtype[np.void]]" = field(default_factory=dict)
    frozen_kind: PointKind | None = None

    @property
    def flag_kind(self) -> PointKind | None:
        """The kind whose flag octet travels with the object."""
        return self.kind or self.frozen_kind

    @property
    def size(self) -> int:
        """Octets per object; 0 for packed bits and for objects without data."""
        return self.record.itemsize if self.record is not None else 0

    @property
    def is_event(self) -> bool:
        """True for the groups that report changes."""
        return self.group in _EVENT_GROUPS

    @property
    def has_flags(self) -> bool:
        """True if a flag octet travels with the value."""
        return self._has("flags")

    @property
    def has_status(self) -> bool:
        """True if the status of a command travels with the value."""
        return self._has("status")

    @property
    def has_time(self) -> bool:
        """True if an absolute or relative time travels with the value."""
        return self._has("time_low") or self._has("delta")

    @property
    def has_relative_time(self) -> bool:
        """True if the time counts from the common time of occurrence (g51) before it."""
        return self._has("delta")

    @property
    def has_value(self) -> bool:
        """True if a number stands beside the flags (false for binaries: their state is a flag)."""
        return self._has("value")

    def _has(self, name: str) -> bool:
        return self.record is not None and name in (self.record.names or ())


def _form(group: int, variation: int, kind: PointKind | None, layout: str) -> ObjectForm:
    if layout.startswith("bits"):
        return ObjectForm(group, variation, kind, None, bits=int(layout[4:]))
    if not layout:
        return ObjectForm(group, variation, kind, None)
    fields = [pair for word in layout.split() for pair in _FIELDS[word]]
    prefixed = {width: np.dtype([("index", f"<u{width}"), *fields]) for width in (1, 2)}
    frozen = _FROZEN_KIND.get(group)
    return ObjectForm(group, variation, kind, np.dtype(fields), prefixed=prefixed, frozen_kind=frozen)


def _numeric_events(group: int, kind: PointKind | None, first: str = "flags") -> list[ObjectForm]:
    """The eight variations that analog event groups share."""
    layouts = ("int32", "int16", "int32 time", "int16 time", "float32", "float64", "float32 time", "float64 time")
    return [_form(group, i, kind, f"{first} {layout}") for i, layout in enumerate(layouts, start=1)]


_FORMS = (
    _form(1, 1, _BI, "bits1"),
    _form(1, 2, _BI, "flags"),
    _form(2, 1, _BI, "flags"),
    _form(2, 2, _BI, "flags time"),
    _form(2, 3, _BI, "flags delta"),
    _form(3, 1, _DI, "bits2"),
    _form(3, 2, _DI, "flags"),
    _form(4, 1, _DI, "flags"),
    _form(4, 2, _DI, "flags time"),
    _form(4, 3, _DI, "flags delta"),
    _form(10, 1, _BO, "bits1"),
    _form(10, 2, _BO, "flags"),
    _form(11, 1, _BO, "flags"),
    _form(11, 2, _BO, "flags time"),
    _form(12, 1, None, "crob status"),
    _form(13, 1, None, "flags"),
    _form(13, 2, None, "flags time"),
    _form(20, 1, _CT, "flags uint32"),
    _form(20, 2, _CT, "flags uint16"),
    _form(20, 5, _CT, "uint32"),
    _form(20, 6, _CT, "uint16"),
    _form(21, 1, None, "flags uint32"),
    _form(21, 2, None, "flags uint16"),
    _form(21, 5, None, "flags uint32 time"),
    _form(21, 6, None, "flags uint16 time"),
    _form(21, 9, None, "uint32"),
    _form(21, 10, None, "uint16"),
    *(
        _form(group, variation, kind, layout)
        for group, kind in ((22, _CT), (23, None))
        for variation, layout in (
            (1, "flags uint32"),
            (2, "flags uint16"),
            (5, "flags uint32 time"),
            (6, "flags uint16 time"),
        )
    ),
    _form(30, 1, _AI, "flags int32"),
    _form(30, 2, _AI, "flags int16"),
    _form(30, 3, _AI, "int32"),
    _form(30, 4, _AI, "int16"),
    _form(30, 5, _AI, "flags float32"),
    _form(30, 6, _AI, "flags float64"),
    *_numeric_events(32, _AI),
    _form(34, 1, None, "uint16"),
    _form(34, 2, None, "uint32"),
    _form(34, 3, None, "float32"),
    _form(40, 1, _AO, "flags int32"),
    _form(40, 2, _AO, "flags int16"),
    _form(40, 3, _AO, "flags float32"),
    _form(40, 4, _AO, "flags float64"),
    _form(41, 1, None, "int32 status"),
    _form(41, 2, None, "int16 status"),
    _form(41, 3, None, "float32 status"),
    _form(41, 4, None, "float64 status"),
    *_numeric_events(42, _AO),
    *_numeric_events(43, None, first="status"),
    _form(50, 1, None, "time"),
    _form(50, 2, None, "time interval"),
    _form(50, 3, None, "time"),
    _form(50, 4, None, "time interval units"),
    _form(51, 1, None, "time"),
    _form(51, 2, None, "time"),
    _form(52, 1, None, "delta"),
    _form(52, 2, None, "delta"),
    *(_form(60, variation, None, "") for variation in (1, 2, 3, 4)),
    _form(80, 1, None, "bits1"),
    *(
        _form(31, variation, None, layout)
        for variation, layout in enumerate(
            (
                "flags int32",
                "flags int16",
                "flags int32 time",
                "flags int16 time",
                "int32",
                "int16",
                "flags float32",
                "flags float64",
            ),
            start=1,
        )
    ),
    *_numeric_events(33, None),
    _form(102, 1, None, "uint8"),
    _form(121, 1, None, "flags association uint32"),
    _form(122, 1, None, "flags association uint32"),
    _form(122, 2, None, "flags association uint32 time"),
)

_STRINGS = frozenset({110, 111})
_OCTETS = _STRINGS | {112, 113}
FORMS: dict[tuple[int, int], ObjectForm] = {(form.group, form.variation): form for form in _FORMS}
GROUPS = (frozenset(form.group for form in _FORMS) | _STRINGS) - _PASSED_OVER


def find_form(group: int, variation: int) -> ObjectForm | None:
    """The form of a variation, None if we do not speak it. Octet strings have one form for each length."""
    if group in _OCTETS:
        return octet_string_form(group, variation) if 1 <= variation <= 255 else None
    return FORMS.get((group, variation))


@lru_cache(maxsize=512)
def octet_string_form(group: int, length: int) -> ObjectForm:
    """g110/g111, and g112/g113 of virtual terminals: the variation is the length of the string, 1..255."""
    octets = ("octets", f"V{length}")
    prefixed = {width: np.dtype([("index", f"<u{width}"), octets]) for width in (1, 2)}
    kind = PointKind.STRING if group in _STRINGS else None
    return ObjectForm(group, length, kind, np.dtype([octets]), prefixed=prefixed)


#: Static group and event group of each kind of point.
STATIC_GROUP: dict[PointKind, int] = {
    PointKind.BINARY_INPUT: 1,
    PointKind.DOUBLE_BIT_INPUT: 3,
    PointKind.ANALOG_INPUT: 30,
    PointKind.COUNTER: 20,
    PointKind.BINARY_OUTPUT: 10,
    PointKind.ANALOG_OUTPUT: 40,
    PointKind.STRING: 110,
}
EVENT_GROUP: dict[PointKind, int] = {
    PointKind.BINARY_INPUT: 2,
    PointKind.DOUBLE_BIT_INPUT: 4,
    PointKind.ANALOG_INPUT: 32,
    PointKind.COUNTER: 22,
    PointKind.BINARY_OUTPUT: 11,
    PointKind.ANALOG_OUTPUT: 42,
    PointKind.STRING: 111,
}
