"""``[[asset]]``: what is known of each unit, and what its kind and family require."""

import itertools
from collections.abc import Mapping
from typing import Any

from vppscada.maps.document import Table
from vppscada.maps.fields import Fields, number, optional_text, pairs, read_fields, text, word, yes_no
from vppscada.maps.names import name
from vppscada.model.assets import Asset, AssetFamily, AssetKind
from vppscada.model.errors import Fault
from vppscada.model.site import PLANT

_MW = number(0.0, 1e6, units="MW")
_MORE_MW = number(above=0.0, highest=1e6, units="MW")
_RAMP = number(above=0.0, highest=1e9, units="MW/min")
_SECONDS = number(0.0, 366 * 86_400.0, units="s")
_SHARE = number(0.0, 1.0)
_EFFICIENCY = number(above=0.0, highest=1.0)

COMMON = {
    "name": name,
    "kind": word(AssetKind),
    "session": text,
    "map": text,
    "rating_mw": _MORE_MW,
    "ramp_up_mw_per_min": _RAMP,
    "ramp_down_mw_per_min": _RAMP,
    "variable_cost_per_mwh": number(),
    "reserve": yes_no,
}
OF_FAMILY = {
    AssetFamily.THERMAL: {
        "minimum_mw": _MW,
        "start_time_s": _SECONDS,
        "minimum_up_s": _SECONDS,
        "minimum_down_s": _SECONDS,
        "fuel_price_per_mwh": number(),
        "emissions_t_per_mwh": number(0.0, 5.0, units="t/MWh"),
        "heat_rate": pairs,
        "running_cost_per_h": number(0.0),
        "start_costs": pairs,
        "derating_per_degc": number(0.0, 0.1),
        "permitted_hours_per_day": number(0.0, 24.0, units="h"),
        "permitted_hours_per_year": number(0.0, 8784.0, units="h"),
        "non_emergency_hours_per_day": number(0.0, 24.0, units="h"),
        "non_emergency_hours_per_year": number(0.0, 8784.0, units="h"),
    },
    AssetFamily.RENEWABLE: {
        "curtailment_cost_per_mwh": number(),
        "forecast": optional_text,
    },
    AssetFamily.STORAGE: {
        "charge_rating_mw": _MORE_MW,
        "capacity_mwh": number(above=0.0, highest=1e6, units="MWh"),
        "charge_efficiency": _EFFICIENCY,
        "discharge_efficiency": _EFFICIENCY,
        "self_discharge_per_h": _SHARE,
        "standby_loss_mw": _MW,
        "soc_minimum": _SHARE,
        "soc_maximum": _SHARE,
        "soc_final_minimum": _SHARE,
        "cycles_per_day": number(above=0.0, highest=1e6),
    },
}
ALL: Mapping[str, Any] = (
    COMMON | OF_FAMILY[AssetFamily.THERMAL] | OF_FAMILY[AssetFamily.RENEWABLE] | OF_FAMILY[AssetFamily.STORAGE]
)
_REQUIRED = ("name", "kind", "session", "map", "rating_mw")
_REQUIRED_OF = {
    AssetFamily.THERMAL: (),
    AssetFamily.RENEWABLE: (),
    AssetFamily.STORAGE: ("charge_rating_mw", "capacity_mwh"),
}
_SLACK = 1e-9


def read_asset(table: Table, faults: list[Fault]) -> tuple[Fields, Asset | None]:
    """The fields of an asset, and the asset if it has no faults."""
    kind = table.content.get("kind")
    family = AssetKind(kind).family if isinstance(kind, str) and kind in tuple(AssetKind) else None
    required = (*_REQUIRED, *(_REQUIRED_OF[family] if family else ()))
    before = len(faults)
    fields = read_fields(table, ALL, required, faults)
    if fields.values.get("name") == PLANT:
        faults.append(table.fault("name", f"name {PLANT!r}", "another name: this one means the fleet as a whole"))
    if family is not None:
        known = COMMON.keys() | OF_FAMILY[family].keys()
        for key in fields.values.keys() - known:
            owner = next(one for one, readers in OF_FAMILY.items() if key in readers)
            faults.append(table.fault(key, f"{key}, which is for {owner} assets", f"a key that a {kind} has"))
        {
            AssetFamily.THERMAL: _check_thermal,
            AssetFamily.RENEWABLE: _check_nothing,
            AssetFamily.STORAGE: _check_storage,
        }[family](fields, faults)
    if len(faults) > before:
        return fields, None
    values = {key: value for key, value in fields.values.items() if key != "map"}
    return fields, Asset(**values)


def _check_nothing(fields: Fields, faults: list[Fault]) -> None:
    """Sun and wind have no fields that depend on each other."""


def _check_thermal(fields: Fields, faults: list[Fault]) -> None:
    values, table = fields.values, fields.table
    if fields.has("minimum_mw", "rating_mw") and values["minimum_mw"] > values["rating_mw"]:
        found = f"minimum_mw = {values['minimum_mw']:g}"
        faults.append(table.fault("minimum_mw", found, f"at most rating_mw, {values['rating_mw']:g}"))
    given = table.content.keys()
    if "heat_rate" in given and "fuel_price_per_mwh" not in given:
        faults.append(
            table.fault("fuel_price_per_mwh", "heat_rate without fuel_price_per_mwh", "fuel_price_per_mwh = …")
        )
    if "fuel_price_per_mwh" in given and "heat_rate" not in given:
        expected = "heat_rate = [[MW, MW of fuel], …]"
        faults.append(table.fault("fuel_price_per_mwh", "fuel_price_per_mwh without heat_rate", expected))
    if "emissions_t_per_mwh" in given and "heat_rate" not in given:
        expected = "heat_rate = [[MW, MW of fuel], …]: emissions are counted from the fuel"
        faults.append(table.fault("emissions_t_per_mwh", "emissions_t_per_mwh without heat_rate", expected))
    if not given & {"heat_rate", "fuel_price_per_mwh", "variable_cost_per_mwh"}:
        expected = "heat_rate and fuel_price_per_mwh, or variable_cost_per_mwh"
        faults.append(table.fault("heat_rate", "no cost of its energy", expected))
    if fields.has("heat_rate", "rating_mw"):
        _check_heat_rate(fields, faults)
    if fields.has("start_costs"):
        _check_start_costs(fields, faults)


def _check_heat_rate(fields: Fields, faults: list[Fault]) -> None:
    """Rising and convex, from at most the minimum to at least the rating, never above full efficiency."""
    points = fields.values["heat_rate"]
    table = fields.table

    def fault(position: int, found: str, expected: str) -> None:
        faults.append(table.place("heat_rate", position).fault(f"heat_rate: {found}", expected))

    slopes: list[float] = []
    for i, (power, fuel) in enumerate(points):
        if fuel + _SLACK < power or fuel <= 0 or power < 0:
            fault(i, f"{fuel:g} MW of fuel for {power:g} MW", "at least as much fuel as power, both positive")
    for i, ((power, fuel), (next_power, next_fuel)) in enumerate(itertools.pairwise(points), start=1):
        if next_power <= power or next_fuel <= fuel:
            fault(i, f"[{next_power:g}, {next_fuel:g}] after [{power:g}, {fuel:g}]", "power and fuel that rise")
            return
        slopes.append((next_fuel - fuel) / (next_power - power))
        if len(slopes) > 1 and slopes[-1] < slopes[-2] * (1 - 1e-6):
            expected = "a convex curve: each further MW takes as much or more"
            fault(i, f"{slopes[-1]:.4g} MW of fuel per further MW after {slopes[-2]:.4g}", expected)
    low, high = fields.values.get("minimum_mw", 0.0), fields.values["rating_mw"]
    if points[0][0] > low + _SLACK:
        fault(0, f"a curve from {points[0][0]:g} MW", f"one that begins at or below minimum_mw, {low:g}")
    if points[-1][0] < high - _SLACK:
        fault(len(points) - 1, f"a curve up to {points[-1][0]:g} MW", f"one that reaches rating_mw, {high:g}")


def _check_start_costs(fields: Fields, faults: list[Fault]) -> None:
    steps = fields.values["start_costs"]
    if steps[0][0] != 0.0 or min(cost for _, cost in steps) < 0.0:
        expected = "a first pair at 0 hours off, and costs of 0 or more"
        faults.append(fields.table.fault("start_costs", f"start_costs from {steps[0][0]:g} h", expected))
    for i, (one, after) in enumerate(itertools.pairwise(steps), start=1):
        if after[0] <= one[0] or after[1] < one[1]:
            found = f"start_costs: [{after[0]:g}, {after[1]:g}] after [{one[0]:g}, {one[1]:g}]"
            place = fields.table.place("start_costs", i)
            faults.append(place.fault(found, "hours that rise and costs that do not fall"))


def _check_storage(fields: Fields, faults: list[Fault]) -> None:
    values = {"soc_minimum": 0.0, "soc_maximum": 1.0, **fields.values}
    low, high = values["soc_minimum"], values["soc_maximum"]
    if low >= high:
        key = "soc_minimum" if "soc_minimum" in fields.values else "soc_maximum"
        found = f"soc_minimum {low:g} with soc_maximum {high:g}"
        faults.append(fields.table.fault(key, found, "a minimum below the maximum"))
        return
    final = values.get("soc_final_minimum")
    if final is not None and not low <= final <= high:
        found = f"soc_final_minimum = {final:g}"
        faults.append(fields.table.fault("soc_final_minimum", found, f"a share from {low:g} to {high:g}"))
