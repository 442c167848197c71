"""What must hold between the cells of a line, and between lines of a device map."""

from collections.abc import Mapping

from vppscada.maps.map_line import REFERENCE_COLUMNS, MapLine
from vppscada.maps.units import fixed_units, normalising
from vppscada.maps.words import one_of, quoted
from vppscada.model.drivers import Driver
from vppscada.model.errors import Fault
from vppscada.model.points import PointKind, Role
from vppscada.model.scaling import normalising_factor, units_for_role

_BINARY = (PointKind.BINARY_INPUT,)
_STATE = (PointKind.BINARY_INPUT, PointKind.DOUBLE_BIT_INPUT)
_QUANTITY = (PointKind.ANALOG_INPUT,)
_COUNT = (PointKind.COUNTER, PointKind.ANALOG_INPUT)
_OUTPUT = (PointKind.BINARY_OUTPUT, PointKind.ANALOG_OUTPUT)
_TEXT = (PointKind.STRING,)

#: Kinds of point that may fill a role; a role that is not named here is a measured quantity.
_KINDS: dict[Role, tuple[PointKind, ...]] = {
    Role.RUN_HOURS: _COUNT,
    Role.STARTS: _COUNT,
    Role.ENERGY_EXPORTED: _COUNT,
    Role.ENERGY_IMPORTED: _COUNT,
    Role.RUNNING: _BINARY,
    Role.BREAKER: _STATE,
    Role.FAULT: _BINARY,
    Role.ALARM: (*_STATE, PointKind.ANALOG_INPUT),
    Role.REMOTE: _BINARY,
    Role.MODE: (*_STATE, PointKind.ANALOG_INPUT),
    Role.COMM_ONLINE: _BINARY,
    Role.SETPOINT: (PointKind.ANALOG_OUTPUT,),
    Role.REACTIVE_SETPOINT: (PointKind.ANALOG_OUTPUT,),
    Role.START_STOP: (PointKind.BINARY_OUTPUT,),
    Role.BREAKER_COMMAND: (PointKind.BINARY_OUTPUT,),
    Role.FAULT_RESET: _OUTPUT,
    Role.MODE_COMMAND: _OUTPUT,
    Role.SETPOINT_ENABLE: _OUTPUT,
    Role.HEARTBEAT: (*_OUTPUT, *_COUNT, PointKind.BINARY_INPUT),
    Role.MANUFACTURER: _TEXT,
    Role.DEVICE_MODEL: _TEXT,
    Role.SERIAL_NUMBER: _TEXT,
}
#: Roles that the plant takes as a share of 100.
_PERCENT_ROLES = (Role.STATE_OF_CHARGE, Role.FUEL_LEVEL)


def check_role(line: MapLine, faults: list[Fault]) -> None:
    """The kind can fill the role, and the units are ones that it can have."""
    if line.role is None:
        return
    kinds = _KINDS.get(line.role, _QUANTITY)
    if line.kind not in kinds:
        faults.append(line.place("kind").fault(f"kind {line.kind} in the role {line.role}", one_of("", kinds)))
        return
    if line.role in _PERCENT_ROLES and line.units != "%":
        faults.append(line.place("units").fault(_units(line), f"% for {line.role}"))
    elif line.expression is None and normalising(line.role, line.units, 1.0) is None:
        known = [*(units_for_role(line.role) or (fixed_units(line.role),)), *(["%"] if _of_rating(line.role) else [])]
        faults.append(line.place("units").fault(_units(line), f"{one_of(line.units, known)} for {line.role}"))


def _of_rating(role: Role) -> bool:
    return normalising_factor(role, "%", 100.0) is not None and fixed_units(role) in ("MW", "Mvar")


def _units(line: MapLine) -> str:
    return f"units {quoted(line.units)}" if line.units else "no units"


def check_feedback(line: MapLine, named: Mapping[str, MapLine], names: frozenset[str], faults: list[Fault]) -> None:
    """An output's feedback is an input of the same map that can show what was commanded."""
    if not line.feedback:
        return
    kinds = _STATE if line.kind is PointKind.BINARY_OUTPUT else (PointKind.ANALOG_INPUT, PointKind.BINARY_INPUT)
    place = line.place("feedback")
    if line.feedback not in names:
        inputs = [name for name, other in named.items() if other.kind in kinds]
        faults.append(
            place.fault(
                f"feedback {quoted(line.feedback)}, which is no point of this map", one_of(line.feedback, inputs)
            )
        )
        return
    target = named.get(line.feedback)
    if target is None:  # a point with faults of its own
        return
    if target.kind not in kinds:
        expected = f"{one_of('', kinds)} as feedback of this {line.kind}"
        faults.append(place.fault(f"feedback {quoted(line.feedback)} of kind {target.kind}", expected))
    elif line.enabled and not target.enabled:
        faults.append(place.fault(f"feedback {quoted(line.feedback)}, which is not enabled", "an enabled point"))


def check_references(
    line: MapLine,
    named: Mapping[str, MapLine],
    names: frozenset[str],
    driver: Driver | None,
    faults: list[Fault],
) -> None:
    """Address cells that name another point name one that exists and is in use."""
    for column in REFERENCE_COLUMNS:
        wanted = line.reader.text(column) if driver and column in driver.address_columns else ""
        if not wanted:
            continue
        target = named.get(wanted)
        if wanted not in names:
            analogs = [name for name, other in named.items() if other.kind.is_analog]
            faults.append(
                line.place(column).fault(
                    f"{column} {quoted(wanted)}, which is no point of this map", one_of(wanted, analogs)
                )
            )
        elif wanted == line.point:
            faults.append(line.place(column).fault(f"{column} that is the point itself", "another point"))
        elif target is not None and line.enabled and not target.enabled:
            faults.append(
                line.place(column).fault(f"{column} {quoted(wanted)}, which is not enabled", "an enabled point")
            )
