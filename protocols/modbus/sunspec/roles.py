"""Which points of which models have a role: chosen for any chain of models, first come what says it best."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Extra:
    """A line with a role: a point of a model under its own name, or one more point on its register."""

    name: str
    kind: str
    role: str
    at: str  # model.point
    cells: dict[str, str] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True, slots=True)
class Roles:
    """The lines with roles of one device, by the key of the point that they stand at, and further ones on those.

    ``named`` takes the place of the model's line, and so does an output among ``extras``.
    """

    named: dict[str, Extra]
    extras: tuple[Extra, ...]


def named(*extras: Extra) -> dict[str, Extra]:
    """By the points that they stand at."""
    return {extra.at: extra for extra in extras}


FAST = {"event_class": "2", "stale_after_s": "10"}
STATE = {"event_class": "1", "stale_after_s": "10"}
SLOW = {"event_class": "3"}
ENERGY = SLOW | {"deadband": "100000"}


def measured(name: str, at: str, cells: dict[str, str], role: str = "") -> Extra:
    """A measured quantity."""
    return Extra(name, "analog_input", role or name, at, cells)


COMMON = (
    Extra("manufacturer", "string", "manufacturer", "1.Mn"),
    Extra("device_model", "string", "device_model", "1.Md"),
    Extra("serial_number", "string", "serial_number", "1.SN"),
)
MEASURED_701 = (
    measured("active_power", "701.W", FAST | {"deadband": "2000"}),
    measured("reactive_power", "701.Var", FAST | {"deadband": "5000"}),
    measured("apparent_power", "701.VA", SLOW | {"deadband": "5000"}),
    measured("power_factor", "701.PF", SLOW | {"deadband": "0.01"}),
    measured("current", "701.A", SLOW | {"deadband": "5"}),
    measured("voltage", "701.LLV", SLOW | {"deadband": "1"}),
    measured("frequency", "701.Hz", SLOW | {"deadband": "0.005"}),
    Extra("energy_exported", "counter", "energy_exported", "701.TotWhInj", ENERGY),
    Extra("energy_imported", "counter", "energy_imported", "701.TotWhAbs", ENERGY),
    measured("ambient_temperature", "701.TmpAmb", SLOW | {"deadband": "0.2"}),
    measured("temperature", "701.TmpCab", SLOW | {"deadband": "0.5"}),
)
SETPOINTS_704 = (
    Extra(
        "setpoint",
        "analog_output",
        "setpoint",
        "704.WSet",
        {"writable": "yes", "feedback": "setpoint_feedback"},
        "Active power in watts; obeyed while setpoint_enable is 1 and WSetMod is 1 (watts)",
    ),
    Extra(
        "reactive_setpoint",
        "analog_output",
        "reactive_setpoint",
        "704.VarSet",
        {"writable": "yes", "feedback": "reactive_setpoint_feedback"},
    ),
)
STATES_701 = (
    Extra(
        "setpoint_feedback",
        "analog_input",
        "setpoint_feedback",
        "704.WSet",
        FAST,
        "Active power setpoint now",
    ),
    Extra("reactive_setpoint_feedback", "analog_input", "reactive_setpoint_feedback", "704.VarSet", FAST),
    Extra(
        "running",
        "binary_input",
        "running",
        "701.InvSt",
        STATE | {"bit": "=3|4"},
        "Inverter runs or is throttled",
    ),
    Extra("fault", "binary_input", "fault", "701.InvSt", STATE | {"bit": "=6"}, "Inverter state fault"),
    Extra("breaker", "binary_input", "breaker", "701.ConnSt", STATE | {"bit": "=1"}, "Connected to the grid"),
    Extra(
        "remote",
        "binary_input",
        "remote",
        "715.LocRemCtl",
        STATE | {"bit": "=0"},
        "Control mode is remote (model 715; the standard counts 0 as remote)",
    ),
    Extra("setpoint_enabled", "binary_input", "", "704.WSetEna", STATE, "The active power setpoint is in force"),
    Extra(
        "setpoint_enable",
        "binary_output",
        "setpoint_enable",
        "704.WSetEna",
        {"writable": "yes", "feedback": "setpoint_enabled", "state_names": "disable|enable"},
        "Obey the active power setpoint",
    ),
    Extra(
        "start_stop",
        "binary_output",
        "start_stop",
        "715.OpCtl",
        {"writable": "yes", "feedback": "running", "state_names": "stop|start"},
        "Start or stop (model 715 OpCtl: 0 stop, 1 start)",
    ),
    Extra(
        "fault_reset", "binary_output", "fault_reset", "715.AlarmReset", {"writable": "yes"}, "1 resets latched alarms"
    ),
)


def _measured_100(model: int) -> tuple[Extra, ...]:
    """Of an inverter of the 100 series, or of a meter of the 200 series where the names are the same."""
    return (
        measured("active_power", f"{model}.W", FAST),
        measured("reactive_power", f"{model}.VAr", FAST),
        measured("reactive_power", f"{model}.VAR", FAST),
        measured("apparent_power", f"{model}.VA", SLOW),
        measured("power_factor", f"{model}.PF", SLOW),
        measured("current", f"{model}.A", SLOW),
        measured("voltage", f"{model}.PPVphAB", SLOW),
        measured("voltage", f"{model}.PPV", SLOW),
        measured("voltage", f"{model}.PhVphA", SLOW),
        measured("frequency", f"{model}.Hz", SLOW),
        Extra("energy_exported", "counter", "energy_exported", f"{model}.WH", SLOW),
        Extra("energy_exported", "counter", "energy_exported", f"{model}.TotWhExp", SLOW),
        Extra("energy_imported", "counter", "energy_imported", f"{model}.TotWhImp", SLOW),
        measured("temperature", f"{model}.TmpCab", SLOW),
    )


def _without_deadband(extra: Extra) -> Extra:
    """A deadband depends on the size of the device, which nobody here knows."""
    return replace(extra, cells={name: text for name, text in extra.cells.items() if name != "deadband"})


_INVERTERS = (103, 102, 101, 113, 112, 111)
_METERS = (203, 204, 202, 201)
#: Every point that can fill a role by itself; of several for one role the first that the device implements.
_MEASURED = (
    *(
        replace(one, cells={name: text for name, text in one.cells.items() if name != "deadband"})
        for one in MEASURED_701
    ),
    *(one for model in _INVERTERS for one in _measured_100(model)),
    measured("available_power", "122.WAval", FAST),
    measured("available_power", "702.WDisChaRteMax", FAST),
    measured("available_power", "702.WMax", FAST),
    measured("available_power", "121.WMax", FAST),
    measured("available_charge_power", "702.WChaRteMax", FAST),
    measured("state_of_charge", "713.SoC", FAST),
    measured("state_of_charge", "802.SoC", FAST),
    measured("state_of_charge", "124.ChaState", FAST),
    measured("stored_energy", "713.WHAvail", FAST),
    measured("irradiance", "302.repeating.GHI", SLOW),
    *(one for model in _METERS for one in _measured_100(model)),
    *COMMON,
)


def _percent(setpoint: str, enable: str) -> tuple[Extra, ...]:
    """A limit in percent of the rating, and the point that puts it in force."""
    cells = {"writable": "yes", "feedback": "setpoint_feedback", "minimum": "0", "maximum": "100", "units": "%"}
    enabling = {"writable": "yes", "feedback": "setpoint_enabled", "state_names": "disable|enable"}
    return (
        Extra("setpoint", "analog_output", "setpoint", setpoint, cells, "Power limit in percent of the rating"),
        Extra(
            "setpoint_feedback", "analog_input", "setpoint_feedback", setpoint, FAST | {"units": "%"}, "The limit now"
        ),
        Extra("setpoint_enabled", "binary_input", "", enable, STATE, "The power limit is in force"),
        Extra("setpoint_enable", "binary_output", "setpoint_enable", enable, enabling, "Obey the power limit"),
    )


def _state(name: str, at: str, bit: str, description: str) -> Extra:
    return Extra(name, "binary_input", name, at, STATE | {"bit": bit}, description)


_WATTS = ("setpoint", "setpoint_feedback", "setpoint_enabled", "setpoint_enable")
_VARS = ("reactive_setpoint", "reactive_setpoint_feedback")
_ALL_704 = (*SETPOINTS_704, *STATES_701)
#: Sets of points that belong together; of the sets for one purpose the first that the device implements as a whole.
_SETS: tuple[tuple[tuple[Extra, ...], ...], ...] = (
    (
        tuple(one for one in _ALL_704 if one.name in _WATTS),
        _percent("704.WMaxLimPct", "704.WMaxLimPctEna"),
        _percent("123.WMaxLimPct", "123.WMaxLim_Ena"),
    ),
    (tuple(one for one in _ALL_704 if one.name in _VARS),),
)
_STATES = (
    *(one for one in STATES_701 if one.name not in (*_WATTS, *_VARS)),
    *(_state("running", f"{model}.St", "=4|5", "State MPPT or throttled") for model in _INVERTERS),
    *(_state("fault", f"{model}.St", "=7", "State fault") for model in _INVERTERS),
    _state("breaker", "122.PVConn", "0", "Connected"),
    _state("remote", "122.PVConn", "1", "The inverter is available (the 100 series has no local/remote point)"),
    _state("remote", "802.LocRemCtl", "=0", "Control mode is remote"),
    Extra(
        "breaker_command",
        "binary_output",
        "breaker_command",
        "123.Conn",
        {"writable": "yes", "feedback": "breaker", "state_names": "disconnect|connect"},
        "Connect to the grid",
    ),
)


def choose(implemented: Collection[str], present: Collection[str]) -> Roles:
    """The roles that a device can fill, by the keys of its points.

    ``present`` are also those that show no value: a setpoint that nobody has set yet may be among them, so a set of
    controls that is there and shows nothing is better than none.
    """
    alone: dict[str, Extra] = {}
    for extra in _MEASURED:
        if extra.at in implemented and extra.name not in {one.name for one in alone.values()}:
            alone.setdefault(extra.at, extra)
    extras: dict[str, Extra] = {}
    for purpose in _SETS:
        for extra in _first_whole(purpose, implemented) or _first_whole(purpose, present):
            extras[extra.name] = extra
    for extra in _STATES:
        if extra.at in implemented:
            extras.setdefault(extra.name, extra)
    names = {extra.name for extra in (*alone.values(), *extras.values())}
    return Roles(alone, tuple(_with_feedback(extra, names) for extra in _in_order(extras)))


def _first_whole(purpose: Sequence[tuple[Extra, ...]], keys: Collection[str]) -> tuple[Extra, ...]:
    return next((found for found in purpose if all(extra.at in keys for extra in found)), ())


def _in_order(extras: dict[str, Extra]) -> Iterator[Extra]:
    """Outputs last: they take the place of their point's own line, which an input does not."""
    yield from (extra for extra in extras.values() if extra.kind.endswith("_input"))
    yield from (extra for extra in extras.values() if extra.kind.endswith("_output"))


def _with_feedback(extra: Extra, names: Collection[str]) -> Extra:
    """Without a feedback that the device has not."""
    if extra.cells.get("feedback", "") in ("", *names):
        return extra
    return replace(extra, cells={name: text for name, text in extra.cells.items() if name != "feedback"})
