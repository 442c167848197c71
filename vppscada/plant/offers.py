"""What each asset could hold for a while as it stands, and what that would cost. Pure, in columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, AssetStates, Fleet, column
from vppscada.model.fuel_curves import FuelCurves
from vppscada.model.offers import Offers, Units
from vppscada.plant.accounting import FleetCosts
from vppscada.plant.fleet_view import FleetColumns, fleet_columns
from vppscada.plant.memory import emergency_mask
from vppscada.plant.permits import RunHours

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]
Table = NDArray[np.float64]

#: Held for as long as this or longer, storage of seconds to minutes gives nothing: its energy is for real time.
FAST_RESTS_FROM_H = 300.0 / 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What there is to know beside the measured states, columns of length n."""

    available_mw: Column  # most that a device, sun or wind allows over the time; NaN = nothing is known to limit it
    hours_in_state: Column
    permitted: Flags  # emergency generators: may run, in an emergency or without; True for others
    run_hours_left: Column  # of the permits, for what running would count as now; inf where none counts
    worth_per_mwh: Column  # of energy in a store; 0 where not storage


class OfferTerms:
    """The constants of a fleet that its offers are made of. Precomputed once."""

    def __init__(self, fleet: Fleet) -> None:
        assets = fleet.assets
        self.columns: FleetColumns = fleet_columns(fleet)
        self.costs = FleetCosts(fleet)
        self.variable = column(assets, "variable_cost_per_mwh")
        self.curtailment = np.where(self.columns.renewable, column(assets, "curtailment_cost_per_mwh"), 0.0)
        curves = FuelCurves(assets)
        minimum, rating = self.columns.minimum_mw[:, None], self.columns.rating_mw[:, None]
        self.left_mw: Table = np.clip(curves.power_mw, minimum, rating)
        self.left_mw[:, 0] = self.columns.minimum_mw
        self.right_mw: Table = np.concatenate([self.left_mw[:, 1:], rating], axis=1)
        fuel_price = np.where(self.columns.thermal, column(assets, "fuel_price_per_mwh"), 0.0)
        self.emergency = emergency_mask(fleet)
        self.permits = RunHours.of(fleet)
        self.derating_per_degc = column(assets, "derating_per_degc")
        #: Names of the forecasts in use, and which of them (or none: −1) is each asset's.
        self.forecasts = sorted({asset.forecast for asset in assets if asset.kind.family is AssetFamily.RENEWABLE})
        places = {name: k for k, name in enumerate(self.forecasts)}
        of = [places.get(asset.forecast, -1) for asset in assets]
        self.forecast_of = np.where(self.columns.renewable, np.array(of, dtype=np.intp), -1)
        self.slope: Table = fuel_price[:, None] * curves.slope + self.variable[:, None]

    def __len__(self) -> int:
        return len(self.variable)


def offers(terms: OfferTerms, states: AssetStates, standing: Standing, units: Units, hours: float) -> Offers:
    """What each asset could hold for ``hours`` (> 0) from now on.

    What is not usable goes on with what it does, at the cost of that. Ramps are those from the present power
    within the time; a start must be done within it; energy in store must last for it.
    """
    columns, shape = terms.columns, (len(terms), max(terms.slope.shape[1], 2))
    width, slope = np.zeros(shape), np.zeros(shape)
    power = np.where(states.online, np.nan_to_num(states.power_mw), 0.0)
    fixed_cost = terms.costs.running_cost_per_h(power, states.on) + _given_up(columns, standing, power)
    in_play = states.usable
    running = columns.thermal & in_play & states.on
    low, high, optional, start_cost = _thermal(terms, states, standing, units, hours)
    thermal_in = running | optional
    _lay_thermal(terms, thermal_in, low, high, width, slope)
    _lay_renewable(terms, standing, columns.renewable & in_play, width, slope)
    reach = _lay_storage(terms, states, standing, columns.storage & in_play, hours, width, slope)
    low = np.where(columns.thermal, low, np.where(columns.storage, reach, 0.0))
    at_low = np.where(
        columns.thermal,
        terms.costs.running_cost_per_h(low, np.ones(len(terms), dtype=np.bool_)),
        np.where(columns.storage, _given_up(columns, standing, reach), terms.curtailment * width[:, 0]),
    )
    takes_part = thermal_in | (in_play & ~columns.thermal)
    low = np.where(takes_part, low, np.where(in_play, 0.0, power))
    return Offers(
        hours=hours,
        low_mw=low,
        high_mw=low + width.sum(axis=1),
        cost_at_low=np.where(takes_part, at_low, np.where(in_play, 0.0, fixed_cost)),
        width_mw=width,
        slope_per_mwh=slope,
        optional=optional,
        on=np.where(columns.thermal, states.on, in_play),
        start_cost=start_cost,
    )


def _given_up(columns: FleetColumns, standing: Standing, power_mw: Column) -> Column:
    """Worth per hour of the energy that leaves the stores (negative: that enters them)."""
    taken = np.maximum(power_mw, 0.0) / columns.discharge_efficiency
    put = np.maximum(-power_mw, 0.0) * columns.charge_efficiency
    return np.where(columns.storage, standing.worth_per_mwh * (taken - put), 0.0)


def _thermal(
    terms: OfferTerms, states: AssetStates, standing: Standing, units: Units, hours: float
) -> tuple[Column, Column, Flags, Column]:
    """Low and high where a thermal unit takes part; which may stay or go off; cost of a start."""
    columns, minutes = terms.columns, 60.0 * hours
    allowed = columns.thermal & states.usable & standing.permitted & (standing.run_hours_left >= hours - 1e-9)
    known = np.minimum(np.nan_to_num(standing.available_mw, nan=np.inf), columns.rating_mw)
    highest = np.maximum(known, columns.minimum_mw)  # a derating never takes the stable minimum
    up, down = columns.ramp_up_mw_per_min * minutes, columns.ramp_down_mw_per_min * minutes
    before = np.clip(np.nan_to_num(states.power_mw), columns.minimum_mw, highest)
    low = np.where(states.on, np.maximum(columns.minimum_mw, before - down), columns.minimum_mw)
    first = np.maximum(columns.minimum_mw, up)
    high = np.minimum(highest, np.where(states.on, before + up, first))
    in_state_s = 3600.0 * standing.hours_in_state
    startable = ~states.on & allowed & (columns.start_time_s < 3600.0 * hours)
    startable &= in_state_s >= columns.minimum_down_s
    stoppable = states.on & columns.thermal & states.usable & (in_state_s >= columns.minimum_up_s)
    stoppable &= before <= np.maximum(columns.minimum_mw, down)
    free = units is Units.FREE
    optional = (startable | stoppable) & free
    start_cost = np.where(optional & ~states.on, terms.costs.start_costs(standing.hours_in_state), 0.0)
    return low, high, optional, start_cost


def _lay_thermal(terms: OfferTerms, taking: Flags, low: Column, high: Column, width: Table, slope: Table) -> None:
    segments = terms.slope.shape[1]
    right = np.minimum(terms.right_mw[taking], high[taking, None])
    left = np.maximum(terms.left_mw[taking], low[taking, None])
    width[taking, :segments] = np.maximum(right - left, 0.0)
    slope[taking, :segments] = terms.slope[taking]


def _lay_renewable(terms: OfferTerms, standing: Standing, taking: Flags, width: Table, slope: Table) -> None:
    most = np.clip(np.nan_to_num(standing.available_mw), 0.0, terms.columns.rating_mw)
    width[taking, 0] = most[taking]
    slope[taking, 0] = (terms.variable - terms.curtailment)[taking]


def _lay_storage(
    terms: OfferTerms,
    states: AssetStates,
    standing: Standing,
    taking: Flags,
    hours: float,
    width: Table,
    slope: Table,
) -> Column:
    """One segment of charging, one of discharging, as far as the energy lasts. Returns the low ends (≤ 0).

    What would fall below its minimum by its own losses has to be charged against them.
    """
    columns = terms.columns
    least, stored = columns.soc_minimum * columns.capacity_mwh, np.nan_to_num(states.stored_mwh)
    keeps = np.maximum(1.0 - columns.self_discharge_per_h * hours, 0.0)
    idle = keeps * stored - columns.standby_loss_mw * hours
    most = np.minimum(np.nan_to_num(standing.available_mw, nan=np.inf), columns.rating_mw)
    discharge = np.minimum(most, np.maximum(idle - least, 0.0) * columns.discharge_efficiency / hours)
    discharge = np.where(columns.fast & (hours >= FAST_RESTS_FROM_H), 0.0, np.maximum(discharge, 0.0))
    absorbs = np.minimum(np.nan_to_num(states.available_charge_mw), columns.charge_rating_mw)
    per_mw = columns.charge_efficiency * hours
    room = np.maximum(columns.soc_maximum * columns.capacity_mwh - idle, 0.0)
    charge = np.maximum(np.minimum(absorbs, room / per_mw), 0.0)
    forced = np.where(stored >= least, np.minimum(np.maximum(least - idle, 0.0) / per_mw, charge), 0.0)
    saved = standing.worth_per_mwh * columns.charge_efficiency
    spent = standing.worth_per_mwh / columns.discharge_efficiency + terms.variable
    # Energy that is worth less than nothing bends the cost the wrong way at 0 MW: the straight line between the ends.
    straight = (charge * saved + discharge * spent) / np.maximum(charge + discharge, 1e-12)
    bent_down = saved > spent
    width[taking, 0], width[taking, 1] = (charge - forced)[taking], discharge[taking]
    slope[taking, 0] = np.where(bent_down, straight, saved)[taking]
    slope[taking, 1] = np.where(bent_down, straight, spent)[taking]
    return -charge
