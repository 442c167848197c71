"""IEEE 1815.2 (MESA-DER) profiles in the JSON of mesa-tool, as dnp3py ships them, as proposals of DNP3 maps.

Indexes, multipliers, offsets, units, classes, state names and IEC 61850 references are the profile's. Outputs get the
input that the profile associates with them as feedback. Roles are filled by IEC 61850 reference.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vppscada.maps.imports.naming import Names, point_name
from vppscada.maps.places import Place, place_at, read_text
from vppscada.model.errors import ConfigError, Fault
from vppscada.model.points import PointKind
from vppscada.model.proposals import MapProposal

_KINDS = {
    "BO": PointKind.BINARY_OUTPUT,
    "BI": PointKind.BINARY_INPUT,
    "AO": PointKind.ANALOG_OUTPUT,
    "AI": PointKind.ANALOG_INPUT,
    "CTR": PointKind.COUNTER,
}
_ECHOES = {PointKind.BINARY_OUTPUT: ("assoc_bi", "BI"), PointKind.ANALOG_OUTPUT: ("assoc_ai", "AI")}
_CLASSES = {"Class1": "1", "Class2": "2", "Class3": "3", "None": ""}
_UNITS = {
    "Watts": "W",
    "Vars": "var",
    "VArs": "var",
    "Volts": "V",
    "Amps": "A",
    "Percent": "%",
    "Seconds": "s",
    "Watt-hours": "Wh",
    "Volt-Amps": "VA",
    "VA": "VA",
    "milliseconds": "ms",
    "Milliseconds": "ms",
    "Days": "d",
    "Percent per Second": "%/s",
    "Degrees C": "degC",
    "Degrees Celsius": "degC",
    "SOC": "%",
    "Integer": "",
    "Enum": "",
    "None": "",
    "n/a": "",
    "N/A": "",
    "Varies": "",
    "Point Index": "",
}
#: Role and sign by kind and IEC 61850 reference: −1 where the plant counts positive what the wire counts negative, and
#: where a state means the opposite.
_ROLES: dict[tuple[PointKind, str], tuple[str, float]] = {
    (PointKind.ANALOG_INPUT, "SYS.MMXU.TotW"): ("active_power", 1.0),
    (PointKind.ANALOG_INPUT, "SYS.MMXU.TotVAr"): ("reactive_power", 1.0),
    (PointKind.ANALOG_INPUT, "SYS.MMXU.TotVA"): ("apparent_power", 1.0),
    (PointKind.ANALOG_INPUT, "SYS.MMXU.TotPF"): ("power_factor", 1.0),
    (PointKind.ANALOG_INPUT, "SYS.MMXU.Hz"): ("frequency", 1.0),
    (PointKind.ANALOG_INPUT, "SYS.MMXU.AvPPVPhs"): ("voltage", 1.0),
    (PointKind.ANALOG_INPUT, "SYS.MMXU.A.phsA.mag"): ("current", 1.0),
    (PointKind.ANALOG_INPUT, "DGEN.MMXU.TotW"): ("available_power", 1.0),
    (PointKind.ANALOG_INPUT, "DSTO.MMXU.TotChaW"): ("available_charge_power", -1.0),
    (PointKind.ANALOG_INPUT, "DSTO.SocPct"): ("state_of_charge", 1.0),
    (PointKind.ANALOG_OUTPUT, "DWGC.GnWSpt"): ("setpoint", 1.0),
    (PointKind.ANALOG_INPUT, "DWGC.GnWSpt"): ("setpoint_feedback", 1.0),
    (PointKind.ANALOG_OUTPUT, "DVAR.DVar.Tgt"): ("reactive_setpoint", 1.0),
    (PointKind.ANALOG_INPUT, "DVAR.DVar.Tgt"): ("reactive_setpoint_feedback", 1.0),
    (PointKind.BINARY_OUTPUT, "DWGC.Mod"): ("setpoint_enable", 1.0),
    (PointKind.BINARY_OUTPUT, "CSWI.Pos"): ("breaker_command", 1.0),
    (PointKind.BINARY_INPUT, "CSWI.Pos.1"): ("breaker", 1.0),
    (PointKind.BINARY_INPUT, "DGEN.DEROpSt.synchronizing"): ("running", 1.0),
    (PointKind.BINARY_INPUT, "DGEN.DEROpSt.disconnectedandinmaintenance"): ("remote", -1.0),
    (PointKind.COUNTER, "MMTR.SupWh"): ("energy_exported", 1.0),
    (PointKind.COUNTER, "MMTR.DmdWh"): ("energy_imported", 1.0),
    (PointKind.BINARY_INPUT, "CALH.GrAlm"): ("fault", 1.0),
    (PointKind.BINARY_INPUT, "CALH.GrWrn"): ("alarm", 1.0),
}
_WHOLE_INT32 = (-(2**31), 2**31 - 1)
_SENTENCE = re.compile(r"\.\s|\s<")


def mesa_proposal(file: Path) -> MapProposal:
    """The profile's points as lines of a DNP3 map.

    Points that the profile lists several times (its curves and schedules share theirs) are one line each.

    Raises:
        ConfigError: the file cannot be read, is not JSON, or is no such profile.
    """
    text = read_text(file)
    try:
        profile = json.loads(text)
    except RecursionError:
        raise ConfigError([Place(file).fault("values nested too deep", "JSON of reasonable depth")]) from None
    except ValueError as error:
        position = getattr(error, "pos", 0)
        raise ConfigError(
            [place_at(file, text, position).fault(f"JSON that cannot be read ({error})", "JSON")]
        ) from None
    if not isinstance(profile, dict) or not set(_KINDS) & set(profile):
        expected = "an object with BO, BI, AO, AI or CTR, as mesa-tool writes it"
        raise ConfigError([Place(file).fault("no IEEE 1815.2 profile", expected)])
    faults: list[Fault] = []
    found = {word: dict(_points(file, word, profile.get(word), faults)) for word in _KINDS}
    if faults:
        raise ConfigError(faults)
    return MapProposal("dnp3", tuple(_lines(found)), _notes(file))


def _notes(file: Path) -> tuple[str, ...]:
    return (
        f"IEEE 1815.2 profile, imported from {file.name}. Indexes, multipliers, classes and IEC 61850 references",
        "(in brackets) are the profile's. Read it, fill in what the plant needs, and take out what the device has not.",
    )


def _points(file: Path, word: str, part: object, faults: list[Fault]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every point below a part of the profile, by index; of several with one index the first."""
    seen: set[int] = set()
    waiting = [part]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict) and "point_index" in one:
            index = one["point_index"]
            if not isinstance(index, int) or not 0 <= index <= 0xFFFF or not isinstance(one.get("name"), str):
                faults.append(Place(file).fault(f"{word} point {index!r}", "a name, and a point_index from 0 to 65535"))
            elif index not in seen:
                seen.add(index)
                yield index, one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _lines(found: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> Iterator[dict[str, str]]:
    named = _names(found)
    roles: set[str] = set()
    for word, points in found.items():
        kind = _KINDS[word]
        for index in sorted(points):
            point = points[index]
            role, sign = _ROLES.get((kind, str(point.get("iec_61850_uid"))), ("", 1.0))
            if role in roles:
                role, sign = "", 1.0
            roles.add(role)
            yield {
                "point": named[word, index],
                "description": _description(point),
                "kind": kind.value,
                "role": role,
                "index": str(index),
                **_quantity(kind, point, sign, role),
                **_states(kind, point, sign),
                **_classes(kind, point),
                **_command(kind, point, named),
            }


def _names(found: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> dict[tuple[str, int], str]:
    names = Names()
    return {
        (word, index): names.take(point_name(_title(points[index])), f"{word.lower()}{index}")
        for word, points in found.items()
        for index in sorted(points)
    }


def _title(point: Mapping[str, Any]) -> str:
    return _SENTENCE.split(" ".join(str(point["name"]).split()))[0]


def _description(point: Mapping[str, Any]) -> str:
    reference = point.get("iec_61850_uid")
    text = " ".join(str(point["name"]).split())
    return f"{text} ({reference})" if reference else text


def _quantity(kind: PointKind, point: Mapping[str, Any], sign: float, role: str) -> dict[str, str]:
    if kind is PointKind.COUNTER:
        units = "Wh" if "watt-hours" in str(point["name"]).lower() else ""
        return {"data_type": "uint32", "units": units}
    if not kind.is_analog:
        return {}
    factor, offset = float(point.get("multiplier") or 1.0) * sign, float(point.get("offset") or 0.0)
    words = str(point.get("units") or "")
    cells = {"data_type": "int32", "units": _UNITS.get(words, words)}
    cells |= {"scale": _number(factor)} if factor != 1.0 else {}
    cells |= {"offset": _number(offset)} if offset else {}
    if not role:  # what has a role is limited by the asset's own figures
        cells |= _limits(point, factor, offset)
    return cells


def _limits(point: Mapping[str, Any], factor: float, offset: float) -> dict[str, str]:
    """The profile's limits, which are on the wire, as engineering values; none where they are the type's."""
    cells = {}
    for key, whole in zip(("minimum", "maximum"), _WHOLE_INT32, strict=True):
        wire = point.get(key)
        if isinstance(wire, int | float) and wire != whole:
            cells[key] = _number(wire * factor + offset)
    return cells


def _number(value: float) -> str:
    return f"{value:.12g}"


def _states(kind: PointKind, point: Mapping[str, Any], sign: float) -> dict[str, str]:
    names = [" ".join(str(point.get(key) or "").replace("|", "/").split()) for key in ("state_0", "state_1")]
    if kind.is_analog or not all(names) or names[0] == names[1]:
        return {}
    if sign < 0:
        return {"state_names": "|".join(reversed(names)), "scale": "-1", "offset": "1"}
    return {"state_names": "|".join(names)}


def _classes(kind: PointKind, point: Mapping[str, Any]) -> dict[str, str]:
    if kind is PointKind.COUNTER:
        frozen = _CLASSES.get(str(point.get("frozen_counter_event_class")), "")
        return {"event_class": _CLASSES.get(str(point.get("counter_event_class")), ""), "frozen_class": frozen}
    return {"event_class": _CLASSES.get(str(point.get("event_class")), "")}


def _command(kind: PointKind, point: Mapping[str, Any], named: Mapping[tuple[str, int], str]) -> dict[str, str]:
    if kind not in _ECHOES:
        return {}
    key, word = _ECHOES[kind]
    echo = str(point.get(key) or "")
    index = int(echo.removeprefix(word)) if re.fullmatch(rf"{word}\d{{1,5}}", echo) else -1
    return {"writable": "yes", "feedback": named.get((word, index), "")}
