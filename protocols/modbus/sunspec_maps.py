"""Which models the shipped SunSpec maps chain, and the roles of their points. The rest is in `sunspec`."""

from dataclasses import dataclass, field


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
class DeviceMap:
    """A device: its models in order, points that get a name and a role, further points, exponents of scale factors.

    ``named`` takes the place of the model's line, and so does an output among ``extras``.
    """

    models: tuple[int, ...]
    named: dict[str, Extra]
    extras: tuple[Extra, ...]
    exponents: dict[str, int]  # of the simulated device; 0 where nothing is said
    notes: tuple[str, ...]


def _named(*extras: Extra) -> dict[str, Extra]:
    return {extra.at: extra for extra in extras}


_FAST = {"event_class": "2", "stale_after_s": "10"}
_STATE = {"event_class": "1", "stale_after_s": "10"}
_SLOW = {"event_class": "3"}
_ENERGY = _SLOW | {"deadband": "100000"}
_SOURCE = (
    "Registers from the SunSpec model definitions bundled with pysunspec2 (Apache-2.0, github.com/sunspec/pysunspec2),",
    "written by `python -m protocols.modbus.sunspec`. Base 40000. Minimum = maximum marks constants that the",
    "simulation shows (model ids and lengths, scale factors); a session reads the scale factors of the device itself.",
)


def _ai(name: str, at: str, cells: dict[str, str], role: str = "") -> Extra:
    return Extra(name, "analog_input", role or name, at, cells)


_COMMON = (
    Extra("manufacturer", "string", "manufacturer", "1.Mn"),
    Extra("device_model", "string", "device_model", "1.Md"),
    Extra("serial_number", "string", "serial_number", "1.SN"),
)
_MEASURED_701 = (
    _ai("active_power", "701.W", _FAST | {"deadband": "2000"}),
    _ai("reactive_power", "701.Var", _FAST | {"deadband": "5000"}),
    _ai("apparent_power", "701.VA", _SLOW | {"deadband": "5000"}),
    _ai("power_factor", "701.PF", _SLOW | {"deadband": "0.01"}),
    _ai("current", "701.A", _SLOW | {"deadband": "5"}),
    _ai("voltage", "701.LLV", _SLOW | {"deadband": "1"}),
    _ai("frequency", "701.Hz", _SLOW | {"deadband": "0.005"}),
    Extra("energy_exported", "counter", "energy_exported", "701.TotWhInj", _ENERGY),
    Extra("energy_imported", "counter", "energy_imported", "701.TotWhAbs", _ENERGY),
    _ai("ambient_temperature", "701.TmpAmb", _SLOW | {"deadband": "0.2"}),
    _ai("temperature", "701.TmpCab", _SLOW | {"deadband": "0.5"}),
)
_SETPOINTS_704 = (
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
_STATES_701 = (
    Extra(
        "setpoint_feedback",
        "analog_input",
        "setpoint_feedback",
        "704.WSet",
        _FAST,
        "Active power setpoint now",
    ),
    Extra("reactive_setpoint_feedback", "analog_input", "reactive_setpoint_feedback", "704.VarSet", _FAST),
    Extra(
        "running",
        "binary_input",
        "running",
        "701.InvSt",
        _STATE | {"bit": "=3|4"},
        "Inverter runs or is throttled",
    ),
    Extra("fault", "binary_input", "fault", "701.InvSt", _STATE | {"bit": "=6"}, "Inverter state fault"),
    Extra("breaker", "binary_input", "breaker", "701.ConnSt", _STATE | {"bit": "=1"}, "Connected to the grid"),
    Extra(
        "remote",
        "binary_input",
        "remote",
        "715.LocRemCtl",
        _STATE | {"bit": "=0"},
        "Control mode is remote (model 715; the standard counts 0 as remote)",
    ),
    Extra("setpoint_enabled", "binary_input", "", "704.WSetEna", _STATE, "The active power setpoint is in force"),
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
_EXPONENTS_701 = {
    "701.W_SF": 3,
    "701.VA_SF": 3,
    "701.Var_SF": 3,
    "701.PF_SF": -3,
    "701.Hz_SF": -3,
    "701.Tmp_SF": -1,
    "702.W_SF": 3,
    "702.VA_SF": 3,
    "702.Var_SF": 3,
    "702.PF_SF": -3,
    "703.V_SF": -1,
    "703.Hz_SF": -3,
    "704.PF_SF": -3,
    "704.WMaxLimPct_SF": -2,
    "704.WSetPct_SF": -2,
    "704.VarSetPct_SF": -2,
    "713.WH_SF": 3,
    "713.Pct_SF": -2,
}

_INVERTER_701 = DeviceMap(
    models=(1, 701, 702, 703, 704, 713, 715, 122, 302),
    named=_named(
        *_MEASURED_701,
        _ai("available_power", "122.WAval", _FAST | {"deadband": "2000"}),
        _ai("irradiance", "302.repeating.GHI", _SLOW | {"deadband": "1"}),
        *_SETPOINTS_704,
        *_COMMON,
    ),
    extras=_STATES_701,
    exponents=_EXPONENTS_701 | {"122.WAval_SF": 3, "122.VArAval_SF": 3},
    notes=(
        "SunSpec photovoltaic inverter, 700 series (IEEE 1547-2018): models 1, 701-704, 713, 715, 122, 302.",
        *_SOURCE,
        "The 700 series has no point for the power that sun would give: available_power is WAval of model 122,",
        "irradiance is GHI of model 302, remote is LocRemCtl of model 715, fault is the inverter state of 701.",
        "Before the first setpoint, WSetMod (m704_wsetmod) has to be 1, watts.",
    ),
)

_BATTERY = DeviceMap(
    models=(1, 701, 702, 703, 704, 713, 715, 802),
    named=_named(
        *_MEASURED_701,
        _ai("available_power", "702.WDisChaRteMax", _FAST | {"deadband": "2000"}),
        _ai("available_charge_power", "702.WChaRteMax", _FAST | {"deadband": "2000"}),
        _ai("state_of_charge", "713.SoC", _FAST | {"deadband": "0.1"}),
        _ai("stored_energy", "713.WHAvail", _FAST | {"deadband": "2000"}),
        *_SETPOINTS_704,
        *_COMMON,
    ),
    extras=_STATES_701,
    exponents=_EXPONENTS_701
    | {
        "802.WHRtg_SF": 3,
        "802.WChaDisChaMax_SF": 3,
        "802.DisChaRte_SF": -2,
        "802.SoC_SF": -2,
        "802.DoD_SF": -2,
        "802.SoH_SF": -2,
        "802.CellV_SF": -3,
        "802.W_SF": 3,
    },
    notes=(
        "SunSpec battery: models 1, 701-704, 713, 715 (the converter to the grid) and 802 (the battery bank).",
        *_SOURCE,
        "available_power and available_charge_power are the rate settings WDisChaRteMax and WChaRteMax of model 702,",
        "which the converter lowers when it can do less; stored_energy is WHAvail and state_of_charge SoC of 713;",
        "remote is LocRemCtl of 715; fault is the inverter state of 701.",
        "Before the first setpoint, WSetMod (m704_wsetmod) has to be 1, watts.",
    ),
)

_INVERTER_103 = DeviceMap(
    models=(1, 103, 120, 121, 122, 123, 302),
    named=_named(
        _ai("active_power", "103.W", _FAST | {"deadband": "2000"}),
        _ai("reactive_power", "103.VAr", _FAST | {"deadband": "5000"}),
        _ai("apparent_power", "103.VA", _SLOW | {"deadband": "5000"}),
        _ai("power_factor", "103.PF", _SLOW | {"deadband": "1"}),
        _ai("current", "103.A", _SLOW | {"deadband": "5"}),
        _ai("voltage", "103.PPVphAB", _SLOW | {"deadband": "1"}),
        _ai("frequency", "103.Hz", _SLOW | {"deadband": "0.01"}),
        Extra("energy_exported", "counter", "energy_exported", "103.WH", _ENERGY),
        _ai("temperature", "103.TmpCab", _SLOW | {"deadband": "0.5"}),
        _ai("available_power", "122.WAval", _FAST | {"deadband": "2000"}),
        _ai("irradiance", "302.repeating.GHI", _SLOW | {"deadband": "1"}),
        Extra(
            "setpoint",
            "analog_output",
            "setpoint",
            "123.WMaxLimPct",
            {"writable": "yes", "feedback": "setpoint_feedback", "minimum": "0", "maximum": "100", "units": "%"},
            "Power limit in percent of the rating; obeyed while setpoint_enable is 1",
        ),
        *_COMMON,
    ),
    extras=(
        Extra(
            "setpoint_feedback",
            "analog_input",
            "setpoint_feedback",
            "123.WMaxLimPct",
            _FAST | {"units": "%"},
            "Power limit as it stands",
        ),
        Extra("running", "binary_input", "running", "103.St", _STATE | {"bit": "=4|5"}, "State MPPT or throttled"),
        Extra("fault", "binary_input", "fault", "103.St", _STATE | {"bit": "=7"}, "State fault"),
        Extra(
            "remote",
            "binary_input",
            "remote",
            "122.PVConn",
            _STATE | {"bit": "1"},
            "The inverter is available (the 100 series has no local/remote point)",
        ),
        Extra("breaker", "binary_input", "breaker", "122.PVConn", _STATE | {"bit": "0"}, "Connected"),
        Extra("setpoint_enabled", "binary_input", "", "123.WMaxLim_Ena", _STATE, "The power limit is in force"),
        Extra(
            "setpoint_enable",
            "binary_output",
            "setpoint_enable",
            "123.WMaxLim_Ena",
            {"writable": "yes", "feedback": "setpoint_enabled", "state_names": "disable|enable"},
            "Obey the power limit",
        ),
        Extra(
            "breaker_command",
            "binary_output",
            "breaker_command",
            "123.Conn",
            {"writable": "yes", "feedback": "breaker", "state_names": "disconnect|connect"},
            "Connect to the grid",
        ),
    ),
    exponents={
        "103.W_SF": 3,
        "103.VA_SF": 3,
        "103.VAr_SF": 3,
        "103.WH_SF": 3,
        "103.DCW_SF": 3,
        "103.Hz_SF": -2,
        "103.PF_SF": -2,
        "103.Tmp_SF": -1,
        "120.WRtg_SF": 3,
        "120.VARtg_SF": 3,
        "120.VArRtg_SF": 3,
        "120.PFRtg_SF": -3,
        "121.WMax_SF": 3,
        "121.VAMax_SF": 3,
        "121.VArMax_SF": 3,
        "121.PFMin_SF": -3,
        "121.ECPNomHz_SF": -2,
        "122.WAval_SF": 3,
        "122.VArAval_SF": 3,
        "123.WMaxLimPct_SF": -2,
        "123.OutPFSet_SF": -3,
        "123.VArPct_SF": -2,
    },
    notes=(
        "SunSpec photovoltaic inverter, 100 series: models 1, 103, 120-123, 302.",
        *_SOURCE,
        "The 100 series is told a limit in percent of its rating (WMaxLimPct of model 123) and has no local/remote",
        "point: remote is the bit 'available' of PVConn (122). available_power is WAval (122), irradiance is GHI of",
        "model 302, fault is the state of 103. There is no fault reset.",
    ),
)

MAPS = {
    "inverter_103": _INVERTER_103,
    "inverter_701": _INVERTER_701,
    "battery": _BATTERY,
}
