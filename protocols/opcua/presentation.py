"""How a point is shown to engineers of clients: type of its variable, units, range and names of states. Pure."""

from asyncua import ua
from asyncua.ua.object_ids import ObjectIds

from protocols.opcua.config import address_of
from vppscada.model.points import Point, PointKind

_UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"
#: Units of maps and their common codes (UNECE recommendation 20), as part 8, 5.6.3 wants them.
_CODES = {
    "W": "WTT",
    "kW": "KWT",
    "MW": "MAW",
    "var": "D44",
    "kvar": "KVR",
    "Mvar": "MAR",
    "VA": "D46",
    "kVA": "KVA",
    "MVA": "MVA",
    "Wh": "WHR",
    "kWh": "KWH",
    "MWh": "MWH",
    "GWh": "GWH",
    "kvarh": "K3",
    "Mvarh": "MAH",
    "V": "VLT",
    "kV": "KVT",
    "A": "AMP",
    "mA": "4K",
    "kA": "B22",
    "Hz": "HTZ",
    "%": "P1",
    "degC": "CEL",
    "degF": "FAH",
    "K": "KEL",
    "m/s": "MTS",
    "W/m2": "D54",
    "rpm": "RPM",
    "h": "HUR",
    "min": "MIN",
    "s": "SEC",
    "ms": "C26",
    "bar": "BAR",
    "kPa": "KPA",
    "Pa": "PAL",
    "l": "LTR",
    "m3": "MTQ",
    "m": "MTR",
    "deg": "DD",
    "kg": "KGM",
}
_UNSIGNED = ("byte", "uint16", "uint32", "uint64")

Properties = dict[str, object]


def properties_of(point: Point) -> Properties:
    """The properties of a point's variable by their names in part 8, in units of the wire value."""
    data_type = address_of(point).data_type
    if point.kind is PointKind.STRING or data_type.word == "datetime":
        return {}
    found: Properties = {}
    if point.kind.is_analog and point.wire_units:
        found["EngineeringUnits"] = _information(point.wire_units)
    if point.kind.is_analog and point.minimum is not None and point.maximum is not None:
        low, high = sorted((bound - point.offset) / point.scale for bound in (point.minimum, point.maximum))
        if low < high:
            found["EURange"] = ua.Range(low, high)
    return found | _states(point)


def _states(point: Point) -> Properties:
    names = [ua.LocalizedText(name) for name in point.state_names]
    if len(names) < 2:
        return {}
    if address_of(point).data_type.is_boolean:
        if len(names) > 2:
            return {}
        low, high = names if point.scale > 0.0 else reversed(names)
        return {"FalseState": low, "TrueState": high}
    if (point.scale, point.offset) != (1.0, 0.0):
        return {}  # the names count engineering values, and clients the wire's
    return {"EnumStrings": names}


def type_of(point: Point, properties: Properties) -> int:
    """The number of the variable's type definition: one whose mandatory properties are there."""
    if "TrueState" in properties:
        return ObjectIds.TwoStateDiscreteType
    if "EnumStrings" in properties and address_of(point).data_type.word in _UNSIGNED:
        return ObjectIds.MultiStateDiscreteType
    if "EURange" in properties:
        return ObjectIds.AnalogItemType
    return ObjectIds.AnalogUnitType if "EngineeringUnits" in properties else ObjectIds.BaseDataVariableType


def _information(units: str) -> ua.EUInformation:
    """Units by code where there is one; with the number −1 where only the word is known."""
    text, code = ua.LocalizedText(units), _CODES.get(units)
    if code is None:
        return ua.EUInformation("", -1, text, text)
    return ua.EUInformation(_UNECE, int.from_bytes(code.encode("ascii"), "big"), text, text)
