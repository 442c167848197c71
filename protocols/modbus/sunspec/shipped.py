"""Which models the shipped SunSpec maps chain, and the roles of their points."""

from dataclasses import dataclass

from protocols.modbus.sunspec.roles import (
    COMMON,
    ENERGY,
    FAST,
    MEASURED_701,
    SETPOINTS_704,
    SLOW,
    STATE,
    STATES_701,
    Extra,
    Roles,
    measured,
    named,
)


@dataclass(frozen=True, slots=True)
class DeviceMap:
    """A device: its models in order, its points with roles, exponents of scale factors."""

    models: tuple[int, ...]
    roles: Roles
    exponents: dict[str, int]  # of the simulated device; 0 where nothing is said
    notes: tuple[str, ...]


_SOURCE = (
    "Registers from the SunSpec model definitions bundled with pysunspec2 (Apache-2.0, github.com/sunspec/pysunspec2),",
    "written by `python -m protocols.modbus.sunspec`. Base 40000. Minimum = maximum marks constants that the",
    "simulation shows (model ids and lengths, scale factors); a session reads the scale factors of the device itself.",
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
    roles=Roles(
        named(
            *MEASURED_701,
            measured("available_power", "122.WAval", FAST | {"deadband": "2000"}),
            measured("irradiance", "302.repeating.GHI", SLOW | {"deadband": "1"}),
            *SETPOINTS_704,
            *COMMON,
        ),
        STATES_701,
    ),
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
    roles=Roles(
        named(
            *MEASURED_701,
            measured("available_power", "702.WDisChaRteMax", FAST | {"deadband": "2000"}),
            measured("available_charge_power", "702.WChaRteMax", FAST | {"deadband": "2000"}),
            measured("state_of_charge", "713.SoC", FAST | {"deadband": "0.1"}),
            measured("stored_energy", "713.WHAvail", FAST | {"deadband": "2000"}),
            *SETPOINTS_704,
            *COMMON,
        ),
        STATES_701,
    ),
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
    roles=Roles(
        named(
            measured("active_power", "103.W", FAST | {"deadband": "2000"}),
            measured("reactive_power", "103.VAr", FAST | {"deadband": "5000"}),
            measured("apparent_power", "103.VA", SLOW | {"deadband": "5000"}),
            measured("power_factor", "103.PF", SLOW | {"deadband": "1"}),
            measured("current", "103.A", SLOW | {"deadband": "5"}),
            measured("voltage", "103.PPVphAB", SLOW | {"deadband": "1"}),
            measured("frequency", "103.Hz", SLOW | {"deadband": "0.01"}),
            Extra("energy_exported", "counter", "energy_exported", "103.WH", ENERGY),
            measured("temperature", "103.TmpCab", SLOW | {"deadband": "0.5"}),
            measured("available_power", "122.WAval", FAST | {"deadband": "2000"}),
            measured("irradiance", "302.repeating.GHI", SLOW | {"deadband": "1"}),
            Extra(
                "setpoint",
                "analog_output",
                "setpoint",
                "123.WMaxLimPct",
                {"writable": "yes", "feedback": "setpoint_feedback", "minimum": "0", "maximum": "100", "units": "%"},
                "Power limit in percent of the rating; obeyed while setpoint_enable is 1",
            ),
            *COMMON,
        ),
        (
            Extra(
                "setpoint_feedback",
                "analog_input",
                "setpoint_feedback",
                "123.WMaxLimPct",
                FAST | {"units": "%"},
                "Power limit as it stands",
            ),
            Extra("running", "binary_input", "running", "103.St", STATE | {"bit": "=4|5"}, "State MPPT or throttled"),
            Extra("fault", "binary_input", "fault", "103.St", STATE | {"bit": "=7"}, "State fault"),
            Extra(
                "remote",
                "binary_input",
                "remote",
                "122.PVConn",
                STATE | {"bit": "1"},
                "The inverter is available (the 100 series has no local/remote point)",
            ),
            Extra("breaker", "binary_input", "breaker", "122.PVConn", STATE | {"bit": "0"}, "Connected"),
            Extra("setpoint_enabled", "binary_input", "", "123.WMaxLim_Ena", STATE, "The power limit is in force"),
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
