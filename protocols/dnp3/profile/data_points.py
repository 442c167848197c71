"""The points of an outstation in the terms of a device profile: groups as a whole, and every point."""

from collections.abc import Iterator, Mapping, Sequence

from protocols.dnp3.addresses import address_of, frozen_variations_of, variations_of
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from protocols.dnp3.profile.items import CLASS_WORDS, Item, Items, setting, variation
from protocols.dnp3.profile.lists import in_class_0
from vppscada.model.commands import CommandMode
from vppscada.model.points import Point, PointKind

_ELEMENTS = {
    PointKind.BINARY_INPUT: "binaryInput",
    PointKind.DOUBLE_BIT_INPUT: "doubleBitInput",
    PointKind.BINARY_OUTPUT: "binaryOutput",
    PointKind.COUNTER: "counter",
    PointKind.ANALOG_INPUT: "analogInput",
    PointKind.ANALOG_OUTPUT: "analogOutput",
    PointKind.STRING: "octetString",
}
_OPERATIONS = ("supportDirectOperate", "supportDirectOperateNoAck")
_CONTROLS = ("supportPulseOn", "supportPulseOff", "supportLatchOn", "supportLatchOff", "supportTrip", "supportClose")


def database(settings: Dnp3OutstationSettings, kinds: Sequence[PointKind]) -> Items:
    """The third part of a profile: how each group of points is set up as a whole."""
    return [(f"{_ELEMENTS[kind]}Group", [("configuration", list(_group(settings, kind)))]) for kind in kinds]


def _group(settings: Dnp3OutstationSettings, kind: PointKind) -> Iterator[Item]:
    class_0 = ["always" if in_class_0(settings, kind) else "never"]
    by_point = ["basedOnPointIndex"]
    match kind:
        case PointKind.COUNTER:
            yield setting("defaultCounterStaticVariation", by_point)
            yield setting("defaultCounterEventVariation", by_point)
            yield setting("counterClass0ResponseMode", class_0)
            yield setting("counterEventReportingMode", ["allEvents"])
            yield setting("counterRollOver", by_point)
            yield setting("countersFrozen", ["masterRequest"])
        case PointKind.ANALOG_INPUT:
            yield setting("defaultStaticVariation", by_point)
            yield setting("defaultEventVariation", by_point)
            yield setting("analogEventReportingMode", ["allEvents"])
            yield setting("analogInputClass0ResponseMode", class_0)
            yield setting("analogDeadbandAssignments", by_point)
            yield setting("analogDeadbandAlgorithm", ["simple"])
        case PointKind.STRING:
            yield setting("eventReportingMode", ["allEvents"])
            yield setting("class0ResponseMode", class_0)
            yield setting("objectGroupSelection", ["fixedGroup110"])
        case PointKind.BINARY_OUTPUT | PointKind.ANALOG_OUTPUT:
            first = setting("class0ResponseMode", class_0), setting("defaultStaticVariation", by_point)
            # The schema has these two the other way round for analog outputs.
            yield from first if kind is PointKind.BINARY_OUTPUT else reversed(first)
            yield setting("changeEventReportingMode", ["allEvents"])
            yield "maxTimeBetweenSelectAndOperate", [("currentValue", [("value", settings.select_timeout_s)])]
        case _:
            yield setting("defaultStaticVariation", by_point)
            yield setting("defaultEventVariation", by_point)
            yield setting("eventReportingMode", ["allEvents"])
            yield setting("class0ResponseMode", class_0)


def data_points(settings: Dnp3OutstationSettings, points: Mapping[PointKind, Sequence[Point]]) -> Items:
    """The fifth part of a profile: every point."""
    fixed: Item = ("configuration", [("pointListDefinition", ["fixed"])])
    return [
        (f"{_ELEMENTS[kind]}Points", [fixed, ("dataPoints", [(_ELEMENTS[kind], _point(settings, one)) for one in of])])
        for kind, of in points.items()
    ]


def _point(settings: Dnp3OutstationSettings, point: Point) -> Items:
    head: list[Item] = [("index", address_of(point).index), ("name", point.id), ("description", point.description)]
    class_0 = "always" if in_class_0(settings, point.kind) else "never"
    match point.kind:
        case PointKind.COUNTER:
            return [*head, *_counter(settings, point, class_0)]
        case PointKind.BINARY_OUTPUT | PointKind.ANALOG_OUTPUT:
            return [*head, *_output(point, class_0), *_states(point), *_scaling(point)]
        case _:
            static, event = variations_of(point)
            return [
                *head,
                ("changeEventClass", CLASS_WORDS[point.event_class]),
                ("includedInClass0Response", class_0),
                ("defaultStaticVariation", variation(static)),
                ("defaultEventVariation", variation(event)),
                *_states(point),
                *_scaling(point),
            ]


def _counter(settings: Dnp3OutstationSettings, point: Point, class_0: str) -> Iterator[Item]:
    static, event = variations_of(point)
    frozen, frozen_event = frozen_variations_of(point)
    yield "defaultCounterStaticVariation", variation(static)
    yield "defaultCounterEventVariation", variation(event)
    yield "countersIncludedInClass0", class_0
    yield "counterEventClass", CLASS_WORDS[point.event_class]
    yield "frozenCounterExists", "true"
    yield "defaultFrozenCounterStaticVariation", variation(frozen)
    yield "defaultFrozenCounterEventVariation", variation(frozen_event)
    yield "frozenCountersIncludedInClass0", "always" if 21 in settings.class_0 else "never"
    yield "frozenCounterEventClass", CLASS_WORDS[address_of(point).frozen_class]
    yield "counterRollOver", 65_535 if point.data_type == "uint16" else 4_294_967_295
    yield from _scaling(point)


def _output(point: Point, class_0: str) -> Iterator[Item]:
    static, event = variations_of(point)
    direct = () if point.command_mode is CommandMode.SBO else _OPERATIONS
    controls = _CONTROLS if point.kind is PointKind.BINARY_OUTPUT else ()
    yield "changeEventClass", CLASS_WORDS[point.event_class]
    yield "commandEventClass", CLASS_WORDS[address_of(point).command_class]
    yield "includedInClass0Response", class_0
    yield "defaultStaticVariation", variation(static)
    yield "defaultChangeEventVariation", variation(event)
    yield "supportedControlOperations", ["supportSelectOperate", *direct, *controls]


def _states(point: Point) -> Items:
    binary = point.kind in (PointKind.BINARY_INPUT, PointKind.DOUBLE_BIT_INPUT, PointKind.BINARY_OUTPUT)
    return [(f"nameState{number}", name) for number, name in enumerate(point.state_names)] if binary else []


def _scaling(point: Point) -> Items:
    if not point.kind.is_analog:
        return []
    return [
        ("scaleOffset", point.offset),
        ("scaleFactor", point.scale),
        *([("units", point.units)] if point.units else []),
    ]
