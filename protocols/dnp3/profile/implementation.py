"""The implementation table of a device profile: which functions and qualifiers go with which objects.

It says what docs/dnp3.md says, from the same library of objects; the groups of points that an outstation does not
have are left out.
"""

from collections.abc import Iterator, Sequence

from protocols.dnp3.application import Function
from protocols.dnp3.objects import EVENT_GROUP, FORMS, STATIC_GROUP
from protocols.dnp3.profile.items import Item, Items
from vppscada.model.points import PointKind

#: Qualifiers in decimal, as the schema has them.
_RANGES, _ALL, _COUNTS, _INDEXES = (0x00, 0x01), (0x06,), (0x07, 0x08), (0x17, 0x28)
_SELECTING = (*_RANGES, *_ALL, *_COUNTS, *_INDEXES)
_FROZEN = {PointKind.COUNTER: (21, 23), PointKind.ANALOG_INPUT: (31, 33)}
_COMMANDS = {PointKind.BINARY_OUTPUT: (12, 13), PointKind.ANALOG_OUTPUT: (41, 43)}
_NAMES = {
    PointKind.BINARY_INPUT: "Binary input",
    PointKind.DOUBLE_BIT_INPUT: "Double-bit binary input",
    PointKind.BINARY_OUTPUT: "Binary output status",
    PointKind.COUNTER: "Counter",
    PointKind.ANALOG_INPUT: "Analog input",
    PointKind.ANALOG_OUTPUT: "Analog output status",
    PointKind.STRING: "Octet string",
}
_CONTROLS = (Function.SELECT, Function.OPERATE, Function.DIRECT_OPERATE, Function.DIRECT_OPERATE_NO_RESPONSE)
_FREEZES = (
    Function.IMMEDIATE_FREEZE,
    Function.IMMEDIATE_FREEZE_NO_RESPONSE,
    Function.FREEZE_CLEAR,
    Function.FREEZE_CLEAR_NO_RESPONSE,
    Function.FREEZE_AT_TIME,
    Function.FREEZE_AT_TIME_NO_RESPONSE,
)
#: Functions whose requests name no objects.
_BARE = (
    Function.CONFIRM,
    Function.COLD_RESTART,
    Function.WARM_RESTART,
    Function.DELAY_MEASURE,
    Function.RECORD_CURRENT_TIME,
)
_OF_CLASSES = (Function.ENABLE_UNSOLICITED, Function.DISABLE_UNSOLICITED, Function.ASSIGN_CLASS)


def implementation_table(kinds: Sequence[PointKind]) -> Items:
    """The rows of an outstation that has points of these kinds."""
    rows = [row for kind in STATIC_GROUP if kind in kinds for row in _kind_rows(kind)]
    rows += _other_rows(kinds)
    rows += [("supportedFunctionCode", [("request", [("functionCode", int(function))])]) for function in _BARE]
    return [("table", rows)]


def _kind_rows(kind: PointKind) -> Iterator[Item]:
    name = _NAMES[kind]
    yield from _readings(STATIC_GROUP[kind], name, is_event=False)
    yield from _readings(EVENT_GROUP[kind], f"{name} event", is_event=True)
    if kind in _FROZEN:
        for function in _FREEZES:
            yield _row(STATIC_GROUP[kind], 0, f"{name}: any variation", (function, _SELECTING))
        static, event = _FROZEN[kind]
        yield from _readings(static, f"Frozen {name.lower()}", is_event=False)
        yield from _readings(event, f"Frozen {name.lower()} event", is_event=True)
    if kind in _COMMANDS:
        command, event = _COMMANDS[kind]
        for number in _variations(command):
            for function in _CONTROLS:
                answer = None if function is Function.DIRECT_OPERATE_NO_RESPONSE else (Function.RESPONSE, _INDEXES)
                yield _row(command, number, f"{name.removesuffix(' status')} command", (function, _INDEXES), answer)
        yield from _readings(event, f"{name.removesuffix(' status')} command event", is_event=True)
    if kind is not PointKind.STRING:
        yield _row(STATIC_GROUP[kind], 0, f"{name}: any variation", (Function.ASSIGN_CLASS, _SELECTING))


def _variations(group: int) -> list[int]:
    return sorted(variation for of, variation in FORMS if of == group)


def _readings(group: int, name: str, *, is_event: bool) -> Iterator[Item]:
    asked = (*_ALL, *_COUNTS) if is_event else _SELECTING
    told = _INDEXES if is_event else (*_RANGES, *_INDEXES)
    yield _row(group, 0, f"{name}: any variation", (Function.READ, asked))
    for number in _variations(group):
        if number:
            yield _row(group, number, name, (Function.READ, asked), (Function.RESPONSE, told))
            if is_event:
                yield _row(group, number, name, None, (Function.UNSOLICITED_RESPONSE, told))


def _other_rows(kinds: Sequence[PointKind]) -> list[Item]:
    one = (0x07,)
    rows = [
        _row(50, 1, "Time and date", (Function.READ, one), (Function.RESPONSE, one)),
        _row(50, 1, "Time and date", (Function.WRITE, one)),
        _row(50, 3, "Time and date at last recorded time", (Function.WRITE, one)),
        _row(51, 1, "Common time of occurrence, synchronised", None, (Function.RESPONSE, one)),
        _row(51, 2, "Common time of occurrence, not synchronised", None, (Function.RESPONSE, one)),
        _row(52, 1, "Time delay, coarse", None, (Function.RESPONSE, one)),
        _row(52, 2, "Time delay, fine", None, (Function.RESPONSE, one)),
        _row(60, 1, "Class 0 data", (Function.READ, _ALL)),
    ]
    for number in (2, 3, 4):
        rows.append(_row(60, number, f"Class {number - 1} data", (Function.READ, (*_ALL, *_COUNTS))))
        rows += [_row(60, number, f"Class {number - 1} data", (function, _ALL)) for function in _OF_CLASSES]
    rows.append(_row(80, 1, "Internal indications", (Function.READ, _RANGES), (Function.RESPONSE, (0x00,))))
    rows.append(_row(80, 1, "Internal indications", (Function.WRITE, (0x00,))))
    if PointKind.ANALOG_INPUT in kinds:
        for number in _variations(34):
            reads = (Function.READ, _SELECTING)
            rows.append(_row(34, number, "Analog input deadband", reads, (Function.RESPONSE, (*_RANGES, *_INDEXES))))
            rows.append(_row(34, number, "Analog input deadband", (Function.WRITE, (*_RANGES, *_INDEXES))))
    return rows


def _row(
    group: int,
    number: int,
    description: str,
    request: tuple[Function, Sequence[int]] | None,
    response: tuple[Function, Sequence[int]] | None = None,
) -> Item:
    parts: list[Item] = [("objectGroup", group), ("variation", number), ("description", description)]
    for name, part in (("request", request), ("response", response)):
        if part is not None:
            function, qualifiers = part
            parts.append((name, [("functionCode", int(function)), *(("qualifierCode", code) for code in qualifiers)]))
    return "supportedVariation", parts
