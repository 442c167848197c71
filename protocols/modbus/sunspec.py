"""Point maps of SunSpec devices from the Alliance's model definitions.

    python -m protocols.modbus.sunspec inverter_701 > point_maps/modbus_sunspec_inverter_701.csv

needs pysunspec2 (extra ``peers``), whose JSON definitions it reads. `sunspec_maps` says which models a device chains
and which of their points have a role; everything else follows from the definitions. Values of the headers and of the
scale factors stand as minimum = maximum: the simulation shows them; a session reads the device's own.
"""

import csv
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from protocols.modbus.sunspec_maps import MAPS, DeviceMap, Extra

BASE = 40_000
_COLUMNS = [
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
_TYPES = {"sunssf": "int16", "count": "uint16", "enum32": "bitfield32", "acc16": "uint16"}
_UNITS = {"Pct": "%", "C": "degC", "Secs": "s", "WH": "Wh", "Var": "var", "Varh": "varh", "AH": "Ah", "cos()": ""}
_UNITS |= {"% WMax": "%", "% VArMax": "%", "% VArAval": "%", "% WGra": "%"}
#: Models whose writable points are controls; in the others they are settings, which we only read.
_CONTROLS = (123, 704, 715)
_BITS_NAMED = ("Alrm", "Evt1", "PVConn")

Line = dict[str, str]


@dataclass(frozen=True, slots=True)
class ModelPoint:
    """A point of a model at its register."""

    model: int
    register: int
    definition: Mapping[str, Any] = field(repr=False)

    @property
    def key(self) -> str:
        """``701.W``; the points of a group within a model are ``704.PFWInj.PF``."""
        return f"{self.model}.{self.definition['path']}"

    @property
    def name(self) -> str:
        """Name of its line where it has no role: ``m701_w``."""
        return f"m{self.model}_{self.definition['path'].lower().replace('.', '_')}"


def definitions() -> Path:
    """The folder of pysunspec2's JSON model definitions.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    spec = importlib.util.find_spec("sunspec2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pysunspec2 is not installed: pip install vppscada[peers]")
    return Path(spec.origin).parent / "models" / "json"


def chain(models: tuple[int, ...], folder: Path) -> Iterator[ModelPoint]:
    """Every point of the models, one model after another; a repeating group is there once."""
    register = BASE + 2
    for model in models:
        group = json.loads((folder / f"model_{model}.json").read_text())["group"]
        points = list(_flat(group, ""))
        length = sum(int(point["size"]) for point in points) - 2
        for point in points:
            value = {"ID": model, "L": length}.get(point["path"])
            yield ModelPoint(model, register, point if value is None else {**point, "constant": value})
            register += int(point["size"])
    for name, value in (("ID", 0xFFFF), ("L", 0)):
        end = {"path": name, "type": "uint16", "size": 1, "desc": "End of the models.", "constant": value}
        yield ModelPoint(0, register, end)
        register += 1


def _flat(group: Mapping[str, Any], prefix: str) -> Iterator[dict[str, Any]]:
    for point in group.get("points", ()):
        yield {**point, "path": prefix + point["name"]}
    for inner in group.get("groups", ()):
        yield from _flat(inner, f"{prefix}{inner['name']}.")


def lines(device: DeviceMap, folder: Path) -> Iterator[Line]:
    """The lines of a device's map, in the order of their registers; roles first of all."""
    points = [point for point in chain(device.models, folder) if point.definition["type"] != "pad"]
    by_key = {point.key: point for point in points}
    replaced = {extra.at for extra in device.extras if extra.kind.endswith("_output")}
    names = {key: extra.name for key, extra in device.named.items()}
    for extra in (*device.named.values(), *device.extras):
        yield _line(device, by_key[extra.at], by_key, names) | _extra_cells(extra)
    marker = {"point": "suns", "description": "Marker 'SunS'", "kind": "analog_input", "table": "holding_register"}
    constant = str(0x5375_6E53)
    yield marker | {"register": str(BASE), "data_type": "uint32", "minimum": constant, "maximum": constant}
    for point in points:
        if point.key not in device.named and point.key not in replaced:
            yield _line(device, point, by_key, names)
        taken = {extra.cells.get("bit") for extra in device.extras if extra.at == point.key}
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


def _line(device: DeviceMap, point: ModelPoint, by_key: Mapping[str, ModelPoint], names: Mapping[str, str]) -> Line:
    definition = point.definition
    kind = definition["type"]
    line = {
        "point": point.name,
        "description": _sentence(definition),
        "kind": "analog_input",
        "table": "holding_register",
        "register": str(point.register),
        "data_type": _TYPES.get(kind, kind),
        "units": _UNITS.get(definition.get("units", ""), definition.get("units", "")),
    }
    if kind == "string":
        return line | {"kind": "string", "data_type": f"string{definition['size']}"}
    if kind in ("acc32", "acc64", "uint64"):
        line["kind"] = "counter"
    if definition.get("access") == "RW" and point.model in _CONTROLS:
        line |= {"kind": "analog_output", "writable": "yes"}
    constant = definition.get("constant", device.exponents.get(point.key) if kind == "sunssf" else None)
    if kind == "sunssf" and constant is None:
        constant = 0
    if constant is not None:
        line |= {"minimum": str(constant), "maximum": str(constant)}
    if "constant" not in definition:
        line["sentinel"] = "yes"
    if definition.get("sf"):
        holder = f"{point.model}.{definition['sf']}"
        line["scale_factor"] = names.get(holder, by_key[holder].name)
    return line | _state_names(definition)


def _state_names(definition: Mapping[str, Any]) -> Line:
    symbols = sorted(definition.get("symbols") or (), key=lambda symbol: int(symbol["value"]))
    if definition["type"] != "enum16" or [symbol["value"] for symbol in symbols] != list(range(len(symbols))):
        return {}
    return {"state_names": "|".join(symbol["name"].lower() for symbol in symbols)}


def _bit_lines(point: ModelPoint) -> Iterator[Line]:
    if point.definition["path"] not in _BITS_NAMED:
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
    text = definition.get("desc") or definition.get("label") or definition["path"]
    return re.sub(r"\s+", " ", text).strip().rstrip(".").encode("ascii", "ignore").decode()


def write(device: DeviceMap, folder: Path, out: TextIO) -> None:
    """Write a map as CSV."""
    for note in device.notes:
        out.write(f"# {note}\n")
    writer = csv.DictWriter(out, _COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines(device, folder))


def main() -> None:
    """Write the map that the first argument names to standard output."""
    write(MAPS[sys.argv[1]], definitions(), sys.stdout)


if __name__ == "__main__":
    main()
