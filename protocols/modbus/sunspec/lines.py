"""The lines of a SunSpec map: roles first, then every point in the order of the registers."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from protocols.modbus.sunspec.models import BASE, MARKER, ModelPoint, scale_factor_of
from protocols.modbus.sunspec.roles import Extra, Roles

COLUMNS = [
    "point",
    "description",
    "kind",
    "role",
    "table",
    "register",
    "bit",
    "word_order",
    "scale_factor",
    "sentinel",
    "data_type",
    "scale",
    "offset",
    "units",
    "minimum",
    "maximum",
    "deadband",
    "event_class",
    "writable",
    "command_mode",
    "pulse",
    "feedback",
    "state_names",
    "stale_after_s",
    "enabled",
]
_TYPES = {
    "sunssf": "int16",
    "count": "uint16",
    "enum32": "bitfield32",
    "acc16": "uint16",
    "bitfield64": "uint64",
    "ipaddr": "uint32",
}
_UNITS = {"Pct": "%", "C": "degC", "Secs": "s", "WH": "Wh", "Var": "var", "Varh": "varh", "AH": "Ah", "cos()": ""}
_UNITS |= {"% WMax": "%", "% VArMax": "%", "% VArAval": "%", "% WGra": "%"}
#: Models whose writable points are controls; in the others they are settings, which we only read.
_CONTROLS = (123, 704, 715)
_BITS_NAMED = ("Alrm", "Evt1", "PVConn")

#: Types that a map has no word for.
UNMAPPED = ("pad", "ipv6addr", "eui48")

Line = dict[str, str]


def map_type(kind: str) -> str:
    """A type of SunSpec's as a map's ``data_type``."""
    return _TYPES.get(kind, kind)


def lines(roles: Roles, points: Sequence[ModelPoint], base: int = BASE) -> Iterator[Line]:
    """The lines of a device's map. Points that it does not implement are there and not enabled."""
    mapped = [point for point in points if point.definition["type"] not in UNMAPPED]
    by_key = {point.key: point for point in mapped}
    replaced = {extra.at for extra in roles.extras if extra.kind.endswith("_output")}
    names = {key: extra.name for key, extra in roles.named.items()}
    for extra in (*roles.named.values(), *roles.extras):
        yield _line(by_key[extra.at], by_key, names) | _extra_cells(extra) | {"enabled": ""}
    marker = {"point": "suns", "description": "Marker 'SunS'", "kind": "analog_input", "table": "holding_register"}
    yield marker | {"register": str(base), "data_type": "uint32", "minimum": str(MARKER), "maximum": str(MARKER)}
    for point in mapped:
        if point.key not in roles.named and point.key not in replaced:
            yield _line(point, by_key, names)
        taken = {extra.cells.get("bit") for extra in roles.extras if extra.at == point.key}
        if point.implemented:
            yield from (line for line in _bit_lines(point) if line["bit"] not in taken)


def _extra_cells(extra: Extra) -> Line:
    cells = {"point": extra.name, "kind": extra.kind, "role": extra.role, **extra.cells}
    if extra.description:
        cells["description"] = extra.description
    if extra.kind.startswith("binary"):
        cells |= {"scale_factor": "", "units": "", "state_names": extra.cells.get("state_names", "")}
    if extra.kind.endswith("_input"):
        cells |= {"writable": ""}
    return {column: text for column, text in cells.items() if text or column != "kind"}


def _line(point: ModelPoint, by_key: Mapping[str, ModelPoint], names: Mapping[str, str]) -> Line:
    definition = point.definition
    kind = definition["type"]
    line = {
        "point": point.name,
        "description": _sentence(definition),
        "kind": "analog_input",
        "table": "holding_register",
        "register": str(point.register),
        "data_type": map_type(kind),
        "units": _UNITS.get(definition.get("units", ""), definition.get("units", "")),
    }
    if not point.implemented:
        line["enabled"] = "no"
    if kind == "string":
        return line | {"kind": "string", "data_type": f"string{definition['size']}"}
    if kind in ("acc32", "acc64", "uint64"):
        line["kind"] = "counter"
    if definition.get("access") == "RW" and point.model in _CONTROLS:
        line |= {"kind": "analog_output", "writable": "yes"}
    if point.constant is not None:
        line |= {"minimum": str(point.constant), "maximum": str(point.constant)}
    if not (definition["name"] in ("ID", "L") and point.constant is not None and "." not in point.path):
        line["sentinel"] = "yes"
    return line | _scaled(point, by_key, names) | _state_names(definition)


def _scaled(point: ModelPoint, by_key: Mapping[str, ModelPoint], names: Mapping[str, str]) -> Line:
    """A factor that the definition fixes, or the point that holds it: of its own group, else of the model."""
    factor = point.definition.get("sf")
    if factor is None or factor == "":
        return {}
    if isinstance(factor, int):
        return {"scale": f"{10.0**factor:g}"}
    holder = scale_factor_of(point, by_key)
    return {} if holder is None else {"scale_factor": names.get(holder.key, holder.name)}


def _state_names(definition: Mapping[str, Any]) -> Line:
    symbols = sorted(definition.get("symbols") or (), key=lambda symbol: int(symbol["value"]))
    if definition["type"] != "enum16" or [symbol["value"] for symbol in symbols] != list(range(len(symbols))):
        return {}
    return {"state_names": "|".join(symbol["name"].lower() for symbol in symbols)}


def _bit_lines(point: ModelPoint) -> Iterator[Line]:
    if point.definition["name"] not in _BITS_NAMED:
        return
    for symbol in point.definition.get("symbols") or ():
        yield {
            "point": f"{point.name}_{symbol['name'].lower()}",
            "description": f"{_sentence(point.definition)}: {symbol.get('label') or symbol['name']}",
            "kind": "binary_input",
            "table": "holding_register",
            "register": str(point.register),
            "bit": str(symbol["value"]),
            "data_type": point.definition["type"],
            "sentinel": "yes",
            "event_class": "1",
        }


def _sentence(definition: Mapping[str, Any]) -> str:
    text = definition.get("desc") or definition.get("label") or definition["name"]
    return re.sub(r"\s+", " ", text).strip().rstrip(".").encode("ascii", "ignore").decode()
