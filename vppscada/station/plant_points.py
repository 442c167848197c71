"""The plant's own points in the database: one vector of values written per cycle."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetStates
from vppscada.model.points import Role
from vppscada.model.quality import Quality
from vppscada.model.schedule import Objective, Schedule
from vppscada.model.site import PLANT, Site
from vppscada.plant.accounting import Totals
from vppscada.plant.commitment import step_at
from vppscada.plant.cycle import Decision, Plant
from vppscada.plant.fleet_view import FleetColumns, FleetRows
from vppscada.plant.memory import Memory, Orders
from vppscada.plant.orders import OBJECTIVES
from vppscada.plant.permits import used_hours
from vppscada.points.database import Database


class PlantPoints:
    """Writes named values of the plant; a name that the site does not have is a programming error."""

    def __init__(self, site: Site, database: Database) -> None:
        self._rows = {
            point_id.partition(".")[2]: row for point_id, row in site.row_of.items() if point_id.startswith(f"{PLANT}.")
        }
        self._dispatch_rows = np.array(
            [site.row_of[f"{asset.name}.dispatch_setpoint"] for asset in site.fleet.assets], dtype=np.intp
        )
        self._database = database

    def write(self, values: Mapping[str, float], quality: Quality, now_ms: int) -> None:
        """Set plant points; NaN goes out as not online."""
        rows = np.array([self._rows[name] for name in values], dtype=np.intp)
        self._set(rows, np.array(list(values.values()), dtype=np.float64), quality, now_ms)

    def write_setpoints(self, setpoint_mw: np.ndarray[tuple[int], np.dtype[np.float64]], now_ms: int) -> None:
        """Set what each asset was told; NaN = it is not told anything."""
        self._set(self._dispatch_rows, setpoint_mw, Quality.ONLINE, now_ms)

    def _set(
        self,
        rows: np.ndarray[tuple[int], np.dtype[np.intp]],
        value: "np.ndarray[tuple[int], np.dtype[np.float64]]",
        quality: Quality,
        now_ms: int,
    ) -> None:
        known = ~np.isnan(value)
        column = np.where(known, np.uint16(quality), np.uint16(quality & ~Quality.ONLINE)).astype(np.uint16)
        self._database.set_values(rows, np.where(known, value, 0.0), column, now_ms)


def measured_values(
    decision: Decision, states: AssetStates, columns: FleetColumns, rows: FleetRows
) -> list[tuple[dict[str, float], Quality]]:
    """Sums of measurements, each group with its quality: a sum that misses a part is no better than that part."""
    state = decision.state
    reactive = rows.has(Role.REACTIVE_POWER) & states.online & np.isnan(states.reactive_mvar)
    stored = columns.storage & states.online & np.isnan(states.stored_mwh)
    return [
        (
            {
                "active_power": state.power_mw,
                "available_up": state.available_up_mw,
                "available_down": state.available_down_mw,
            },
            state.quality,
        ),
        ({"reactive_power": state.reactive_mvar}, _missing(state.quality, reactive)),
        (
            {"stored_energy": state.stored_mwh, "state_of_charge": state.state_of_charge},
            _missing(state.quality, stored),
        ),
    ]


def _missing(quality: Quality, unknown: NDArray[np.bool_]) -> Quality:
    """The quality of a sum of which some parts are unknown though their devices are online."""
    return Quality.COMM_LOST if unknown.any() else quality


def order_values(orders: Orders, target_mw: float, by_site: Objective) -> dict[str, float]:
    """What the plant has been told, and the state that its output points show."""
    return {
        "target": target_mw,
        "target_command": orders.target_mw,
        "mode": float(orders.mode),
        "mode_command": float(orders.mode),
        "objective": float(OBJECTIVES.index(orders.leading(by_site))),
        "objective_command": 0.0 if orders.objective is None else 1.0 + OBJECTIVES.index(orders.objective),
        "enabled": float(orders.enabled),
        "enable_command": float(orders.enabled),
        "running": float(orders.running),
        "start_stop": float(orders.running),
        "emergency_command": float(orders.emergency),
        "regulation_command": orders.regulation or 0.0,
    }


def regulation_values(decision: Decision) -> dict[str, float]:
    """What regulation asks now, and how well it was followed."""
    told = decision.memory.scoreboard.scores
    return {
        "regulation": decision.wanted.regulation_mw or 0.0,
        "regulation_score": told.score,
        "regulation_accuracy": told.accuracy,
        "regulation_delay": told.delay,
        "regulation_precision": told.precision,
    }


def derived_values(decision: Decision, totals: Totals, price: float, load_mw: float) -> dict[str, float]:
    """Counts and sums that the station itself vouches for."""
    state = decision.state
    return {
        "capacity": state.capacity_mwh,
        "rating": state.rating_mw,
        "units_on": float(state.units_on),
        "units_off": float(state.units_off),
        "assets_online": float(state.assets_online),
        "shortfall": decision.dispatch.shortfall_mw,
        "reserve_used": decision.reserve_used_mw,
        "non_followers": float((~decision.following).sum()),
        "marginal_cost": decision.marginal_price,
        "price": price,
        "load_forecast": load_mw,
        "cost": totals.cost,
        "revenue": totals.revenue,
        "energy": totals.energy_mwh,
        "unserved_energy": totals.unserved_mwh,
        "starts": float(totals.starts),
    }


def permit_values(plant: Plant, memory: Memory) -> dict[str, float]:
    """Whether there is an emergency, and the least hours that any emergency generator has left, by kind of running."""
    generators = plant.emergency
    if not generators.any():
        return {"emergency": 0.0, "emergency_hours_left": float("nan"), "non_emergency_hours_left": float("nan")}
    left = plant.permits.less(used_hours(memory))
    everywhere = np.ones(len(generators), dtype=np.bool_)
    return {
        "emergency": float(memory.emergency),
        "emergency_hours_left": float(left.for_kind(everywhere)[generators].min()),
        "non_emergency_hours_left": float(left.for_kind(~everywhere)[generators].min()),
    }


def schedule_values(schedule: Schedule | None, plant_ms: int, counted: NDArray[np.bool_]) -> dict[str, float]:
    """How good the schedule in force is. ``counted`` assets (n,) hold reserve: usable, and doing what they are told."""
    step = None if schedule is None else step_at(schedule, plant_ms)
    if schedule is None or step is None:
        return {"schedule_ok": 0.0, "schedule_age": float("nan"), "schedule_gap": float("nan"), "reserve": float("nan")}
    return {
        "schedule_ok": 1.0,
        "schedule_age": (plant_ms - schedule.start_ms) / 1000.0,
        "schedule_gap": 100.0 * schedule.gap,
        "reserve": float(schedule.reserve_mw[counted, step].sum()),
    }
