"""Whatever the fleet: the cost curve is the optimum of one interval, and the cost of a requirement agrees with it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.property.test_schedule_properties import some_engine, some_storage
from tests.unit.scheduling.requests import request, solar
from vppscada.model.assets import Asset, AssetFamily, AssetKind, AssetStates, Fleet
from vppscada.model.offers import Offers, Units
from vppscada.plant.cost_curve import CostCurve, cost_curve
from vppscada.plant.offers import OfferTerms, Standing, offers
from vppscada.scheduling import mathopt
from vppscada.scheduling.formulation import formulate
from vppscada.scheduling.meeting import cost_to_meet
from vppscada.scheduling.objective import TIERS, price_tier

SEEDS = st.integers(0, 2**32 - 1)


class Moment:
    """A random fleet as it stands, for the curve and for the optimiser alike."""

    def __init__(self, seed: int, ramps: bool) -> None:
        rng = np.random.default_rng(seed)
        self.hours = float(rng.choice([0.25, 1.0, 2.0]))
        self.assets: list[Asset] = []
        for i in range(int(rng.integers(1, 6))):
            make = some_engine if rng.random() < 0.6 else some_storage
            asset = make(rng, f"asset{i}")
            if make is some_engine and not ramps:
                asset = replace(asset, ramp_up_mw_per_min=np.inf, ramp_down_mw_per_min=np.inf)
            self.assets.append(asset)
        self.assets.append(solar(curtailment_cost_per_mwh=float(rng.choice([0.0, 15.0])), variable_cost_per_mwh=2.0))
        n = len(self.assets)
        thermal = np.array([asset.kind.family is AssetFamily.THERMAL for asset in self.assets])
        storage = np.array([asset.kind.family is AssetFamily.STORAGE for asset in self.assets])
        capacity = np.array([asset.capacity_mwh for asset in self.assets])
        rating = np.array([asset.rating_mw for asset in self.assets])
        minimum = np.array([asset.minimum_mw for asset in self.assets])
        soc = rng.uniform(0.3, 0.75, n)
        self.sun_mw = float(rng.uniform(0.0, 8.0))
        self.ambient_degc = float(rng.uniform(0.0, 40.0))
        warmer = max(self.ambient_degc - 15.0, 0.0)
        derating = np.array([asset.derating_per_degc for asset in self.assets])
        self.most = np.where(thermal, rating * (1.0 - derating * warmer), np.where(storage, np.nan, self.sun_mw))
        on = np.where(thermal, rng.random(n) < 0.5, True)
        highest = np.maximum(self.most, minimum)
        power = np.where(thermal & on, minimum + rng.random(n) * (highest - minimum), 0.0)
        usable = rng.random(n) < 0.85
        power[~usable] = 0.0
        self.states = AssetStates(
            power_mw=power,
            reactive_mvar=np.zeros(n),
            available_mw=np.where(thermal | storage, rating, self.sun_mw),
            available_charge_mw=np.array([asset.charge_rating_mw for asset in self.assets]),
            stored_mwh=np.where(storage, soc * capacity, np.nan),
            setpoint_mw=np.full(n, np.nan),
            on=on & (usable | ~thermal),
            online=np.ones(n, dtype=np.bool_),
            fault=np.zeros(n, dtype=np.bool_),
            usable=usable,
        )
        emergency = np.array([asset.kind is AssetKind.EMERGENCY_GENERATOR for asset in self.assets])
        self.standing = Standing(
            available_mw=self.most,
            hours_in_state=rng.choice([0.0, 1.0, 2.5, 100.0], n),
            permitted=~emergency | (rng.random(n) < 0.6) | self.states.on,
            run_hours_left=np.where(emergency, 20.0, np.inf),
            worth_per_mwh=np.where(storage, rng.choice([0.0, 40.0, 90.0], n), 0.0),
        )

    def offers(self, units: Units) -> Offers:
        return offers(OfferTerms(Fleet(tuple(self.assets))), self.states, self.standing, units, self.hours)

    def optimum_per_h(self, target_mw: float, units: Units) -> float:
        """Of the optimiser's rows for one interval, units linear, with the same worth of stored energy at its end."""
        initial = {
            asset.name: {
                "power_mw": self.states.power_mw[i],
                "on": self.states.on[i],
                "hours_in_state": self.standing.hours_in_state[i],
                "stored_mwh": np.nan_to_num(self.states.stored_mwh[i]),
                "usable": self.states.usable[i],
                "permitted": self.standing.permitted[i],
                "run_hours_left_today": self.standing.run_hours_left[i],
            }
            for i, asset in enumerate(self.assets)
        }
        bare = [replace(asset, soc_final_minimum=None, cycles_per_day=np.inf, reserve=False) for asset in self.assets]
        asked = request(
            bare,
            [target_mw],
            step_s=3600.0 * self.hours,
            initial=initial,
            forecast={"pv1": [self.sun_mw]},
            ambient_degc=self.ambient_degc,
        )
        plan = formulate(asked, np.ones((sum(self.storing), 1), dtype=np.bool_))  # no charge and discharge at once
        price_tier(plan, TIERS[asked.objective][0])
        storage = plan.storage
        worth = self.standing.worth_per_mwh[storage.data.members]
        plan.program.price(storage.stored[:, -1], -worth)
        lower, upper = (plan.program.matrices().lower.copy(), plan.program.matrices().upper.copy())
        if units is Units.ON:
            lower[plan.thermal.on] = upper[plan.thermal.on] = plan.thermal.data.was_on[:, None]
        matrices = plan.program.matrices()
        whole = np.zeros_like(matrices.integer)
        whole[plan.charging] = True
        linear = replace(matrices, lower=lower, upper=upper, integer=whole)
        answer = mathopt.run(mathopt.model_of(linear))
        assert answer.found, answer.detail
        idle = storage.data.keeps * storage.data.before - storage.data.standby  # what it has if nothing is done
        return (answer.objective + float((worth * idle).sum())) / self.hours

    @property
    def storing(self) -> list[bool]:
        return [
            asset.kind.family is AssetFamily.STORAGE and bool(usable)
            for asset, usable in zip(self.assets, self.states.usable, strict=True)
        ]


def powers(curve: CostCurve) -> list[float]:
    """Break points and places between them."""
    return sorted({*np.linspace(curve.power_mw[0], curve.power_mw[-1], 5).tolist(), *curve.power_mw[:4].tolist()})


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_the_curve_of_the_units_on_is_the_optimum_of_the_interval(seed: int) -> None:
    moment = Moment(seed, ramps=True)
    curve = cost_curve(moment.offers(Units.ON))
    for power in powers(curve):
        assert curve.cost_at(power) == pytest.approx(moment.optimum_per_h(power, Units.ON), rel=1e-6, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_the_curve_of_free_units_is_the_linear_relaxation(seed: int) -> None:
    moment = Moment(seed, ramps=False)
    curve = cost_curve(moment.offers(Units.FREE))
    for power in powers(curve):
        assert curve.cost_at(power) == pytest.approx(moment.optimum_per_h(power, Units.FREE), rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
@example(seed=452140)  # to give too much would be cheaper, at its price, than to start a unit
def test_the_cost_of_a_requirement_is_that_of_the_best_choice_of_units(seed: int) -> None:
    moment = Moment(seed, ramps=True)
    relaxed, offered = cost_curve(moment.offers(Units.FREE)), moment.offers(Units.FREE)
    choices = list(fixed_choices(offered))
    for target in np.linspace(relaxed.power_mw[0], relaxed.power_mw[-1], 4):
        met = cost_to_meet(offered, float(target))
        costs = [held(choice, float(target)) for choice in choices]
        best = min((cost for cost in costs if not np.isnan(cost)), default=None)
        if best is None:
            assert met.unserved_mw > 0.0 or met.surplus_mw > 0.0
            continue
        assert met.total / met.hours == pytest.approx(best, rel=1e-6, abs=1e-6)
        assert met.power_mw.sum() == pytest.approx(target, abs=1e-6)
        assert relaxed.cost_at(float(target)) <= best + 1e-6 * max(abs(best), 1.0)


def fixed_choices(offered: Offers) -> Iterator[Offers]:
    """Every choice of the units that have one."""
    free = np.flatnonzero(offered.optional)
    for taken in product([False, True], repeat=len(free)):
        given = np.ones(len(offered), dtype=np.bool_)
        given[free] = taken
        yield offered.taking(given)


def held(choice: Offers, target_mw: float) -> float:
    """Cost per hour, with the starts of the choice spread over it."""
    return cost_curve(choice).cost_at(target_mw) + float(choice.start_cost.sum()) / choice.hours


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, units=st.sampled_from(Units), most=st.integers(2, 12))
def test_a_curve_is_convex_and_stays_so_when_it_is_thinned(seed: int, units: Units, most: int) -> None:
    moment = Moment(seed, ramps=True)
    moment.standing.worth_per_mwh[:] *= np.random.default_rng(seed).choice([-1.0, 1.0])
    curve = cost_curve(moment.offers(units))
    thin = curve.thinned(most)
    for one in (curve, thin):
        assert (np.diff(one.power_mw) > 0.0).all()
        assert (np.diff(one.marginal_per_mwh) >= -1e-9).all()
    assert len(thin) <= max(most, 2)
    assert (thin.power_mw[0], thin.power_mw[-1]) == (curve.power_mw[0], curve.power_mw[-1])
    between = np.interp(curve.power_mw, thin.power_mw, thin.cost_per_h)
    assert (between >= curve.cost_per_h - 1e-9 * np.maximum(np.abs(curve.cost_per_h), 1.0)).all()
