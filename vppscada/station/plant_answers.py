"""What the local API tells of the plant: its assets as they stand, and the schedule in force."""

from collections.abc import Mapping

import numpy as np

from vppscada.plant.standing import energy_worth, unserved_mwh
from vppscada.station.api_answers import Answer, number
from vppscada.station.api_requests import RequestFault, read_offset
from vppscada.station.plant_service import PlantService
from vppscada.station.schedule_answers import schedule_page, wanted_assets
from vppscada.station.supervisor import wall_ms

#: Assets in one answer; more are asked for page by page.
FLEET_PAGE = 500


def fleet_page(plant: PlantService, offset: int) -> Answer:
    """How the assets stand, from the one at ``offset`` on, and what the plant is to do.

    One that does not do what it is told counts as not usable. ``next`` is the offset of the next page, or null.
    """
    fleet, states, memory = plant.site.fleet, plant.states, plant.memory
    plant_ms = plant.clock.plant_ms(wall_ms())
    usable = states.usable if plant.decision is None else states.usable & plant.decision.following
    history = memory.history(fleet)
    columns = {
        "power_mw": states.power_mw,
        "available_mw": states.available_mw,
        "available_charge_mw": states.available_charge_mw,
        "stored_mwh": states.stored_mwh,
        "hours_in_state": history.hours_in_state,
        "run_hours_today": history.run_hours_today,
        "run_hours_year": history.run_hours_year,
        "non_emergency_today": history.non_emergency_today,
        "non_emergency_year": history.non_emergency_year,
        "stored_worth_per_mwh": energy_worth(fleet, plant.schedule, plant_ms),
        "on": states.on,
        "online": states.online,
        "usable": usable,
        "permitted": history.permitted,
    }
    end = min(offset + FLEET_PAGE, len(fleet))
    assets = [{"asset": fleet.assets[i].name} | _row(columns, i) for i in range(offset, end)]
    return {
        "plant_time_ms": plant_ms,
        "target_mw": plant.orders.owed_mw,
        "schedule": plant.schedule is not None,
        "unserved_mwh": 0.0 if plant.schedule is None else unserved_mwh(plant.schedule),
        "assets": assets,
        "next": end if end < len(fleet) else None,
    }


def schedule_in_force(plant: PlantService, params: Mapping[str, object]) -> Answer:
    """The schedule in force, from the asset at ``offset`` of those that are asked for on.

    Raises:
        RequestFault: there is no schedule, or an asset that is not there.
    """
    schedule = plant.schedule
    if schedule is None:
        raise RequestFault("no schedule is in force yet")
    names = [asset.name for asset in plant.site.fleet.assets]
    spec, steps = plant.site.schedule, schedule.power_mw.shape[1]
    step_ms = round(schedule.step_s * 1000)
    price = plant.expectations.mean(spec.price, schedule.start_ms, step_ms, steps, missing=float("nan"))
    return schedule_page(schedule, names, wanted_assets(params, names), price, read_offset(params))


def _row(columns: dict[str, "np.ndarray[tuple[int], np.dtype[np.generic]]"], i: int) -> Answer:
    return {name: _told(values[i].item()) for name, values in columns.items()}


def _told(value: bool | float) -> bool | float | None:
    return value if isinstance(value, bool) else number(value)
