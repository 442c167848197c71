"""How the plant stands at a moment, for the question what it could give: measured, or presumed where nothing runs."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import AssetFamily, AssetStates, Fleet, column
from vppscada.model.explanation import Reason
from vppscada.model.schedule import Schedule
from vppscada.plant.commitment import step_at
from vppscada.plant.expectations import Expectations
from vppscada.plant.offers import OfferTerms, Standing
from vppscada.plant.permits import used_hours
from vppscada.plant.requirements import History

Column = NDArray[np.float64]

#: What nothing is known of has been as it is for so long.
LONG_H = 7 * 24.0


def standing_at(
    terms: OfferTerms,
    states: AssetStates,
    history: History,
    expectations: Expectations,
    ambient: str,
    plant_ms: int,
    hours: float,
    worth_per_mwh: Column,
) -> Standing:
    """What there is to know for ``hours`` (> 0) from ``plant_ms``.

    Sun and wind: the mean of their forecasts, moved by what is available now. ``ambient`` names the series of
    the temperature that derates (15 °C without one); ``worth_per_mwh`` (n) is that of energy in the stores.
    """
    span_ms = max(round(hours * 3.6e6), 1)
    warmer = max(float(expectations.mean(ambient, plant_ms, span_ms, 1, missing=15.0)[0]) - 15.0, 0.0)
    derated = terms.columns.rating_mw * (1.0 - warmer * terms.derating_per_degc)
    left = terms.permits.less(used_hours(history)).for_kind(history.permitted)
    return Standing(
        available_mw=np.fmin(_expected(terms, states, expectations, plant_ms, span_ms), derated),
        hours_in_state=history.hours_in_state,
        permitted=history.permitted | (left > 0.0),
        run_hours_left=np.where(terms.emergency, left, np.inf),
        worth_per_mwh=worth_per_mwh,
    )


def _expected(
    terms: OfferTerms, states: AssetStates, expectations: Expectations, plant_ms: int, span_ms: int
) -> Column:
    """What is available now, moved as far as the forecasts of sun and wind move until the mean of the time."""
    moves = np.zeros(len(terms.forecasts) + 1)
    for k, name in enumerate(terms.forecasts):
        ahead = float(expectations.mean(name, plant_ms, span_ms, 1, missing=np.nan)[0])
        moves[k] = np.nan_to_num(ahead - expectations.now(name, plant_ms))
    expected: Column = states.available_mw + moves[terms.forecast_of]
    return np.where(terms.columns.renewable, np.maximum(expected, 0.0), expected)


def presumed_states(
    fleet: Fleet, expectations: Expectations, plant_ms: int, on_mw: Mapping[str, float], soc: Mapping[str, float]
) -> AssetStates:
    """A fleet of which nothing is measured: every asset usable, sun and wind as forecast, stores by ``soc`` (0..1).

    Thermal units are off, but for those in ``on_mw``, at that power (never below their minimum).
    """
    n = len(fleet)
    rating, minimum = column(fleet.assets, "rating_mw"), column(fleet.assets, "minimum_mw")
    thermal = np.array([asset.kind.family is AssetFamily.THERMAL for asset in fleet.assets], dtype=np.bool_)
    told = np.array([on_mw.get(asset.name, np.nan) for asset in fleet.assets])
    running = thermal & ~np.isnan(told)
    there = np.array(
        [
            expectations.now(asset.forecast, plant_ms)
            if asset.kind.family is AssetFamily.RENEWABLE
            else asset.rating_mw
            for asset in fleet.assets
        ]
    )
    return AssetStates(
        power_mw=np.where(running, np.clip(told, minimum, rating), 0.0),
        reactive_mvar=np.zeros(n),
        available_mw=np.minimum(np.nan_to_num(there), rating),
        available_charge_mw=column(fleet.assets, "charge_rating_mw"),
        stored_mwh=np.array([_stored(asset.capacity_mwh, soc.get(asset.name)) for asset in fleet.assets]),
        setpoint_mw=np.full(n, np.nan),
        on=running | ~thermal,
        online=np.ones(n, dtype=np.bool_),
        fault=np.zeros(n, dtype=np.bool_),
        usable=np.ones(n, dtype=np.bool_),
    )


def _stored(capacity_mwh: float, share: float | None) -> float:
    return np.nan if share is None else capacity_mwh * share


def energy_worth(fleet: Fleet, schedule: Schedule | None, plant_ms: int) -> Column:
    """Worth of energy in each store by the schedule that covers the moment, per MWh (n); 0 where not storage.

    It is the schedule's own, from the duals of its energy balance; of a store that it did not plan with (or where it
    has no explanation), what the energy would earn at the median of the marginal prices to come, less the losses on
    its way out. Without a schedule it is 0.
    """
    step = None if schedule is None else step_at(schedule, plant_ms)
    if schedule is None or step is None:
        return np.zeros(len(fleet))
    usual = float(np.median(schedule.marginal_price_per_mwh[step:]))
    storing = np.array([asset.kind.family is AssetFamily.STORAGE for asset in fleet.assets], dtype=np.bool_)
    earned = usual * column(fleet.assets, "discharge_efficiency")
    why = schedule.explanation
    if why is not None:
        planned = why.reason[:, step] != Reason.NOT_USABLE
        earned = np.where(planned, why.stored_value_per_mwh[:, step], earned)
    return np.where(storing, earned, 0.0)


def unserved_mwh(schedule: Schedule) -> float:
    """Energy of the requirement that a schedule does not serve: where there is some, a MWh is worth its price."""
    return float(schedule.unserved_mw.sum()) * schedule.step_s / 3600.0
