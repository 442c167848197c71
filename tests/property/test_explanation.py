"""Whatever the fleet: each asset and step has one reason, the reasons are true, and their values are right."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.reasons import untrue
from tests.property.test_schedule_against_independent_model import sane_request
from tests.property.test_schedule_properties import some_request
from vppscada.model.explanation import Explanation, Reason
from vppscada.model.schedule import Objective, Schedule
from vppscada.scheduling import mathopt
from vppscada.scheduling.explain import explained
from vppscada.scheduling.formulation import Formulation, formulate
from vppscada.scheduling.objective import TIERS, price_tier
from vppscada.scheduling.program import Index, Limit, Matrices
from vppscada.scheduling.search import find
from vppscada.scheduling.settling import settle
from vppscada.scheduling.solve import solve
from vppscada.scheduling.storage import Sustained

SEEDS = st.integers(0, 2**32 - 1)
EPSILON = 1e-3
#: Of a value in money per MWh: what the solver's rounding may do to a difference over EPSILON.
TOLERANCE = 0.02


class Solved:
    """A request solved, its commitment fixed, and the linear program at hand to be changed a little."""

    def __init__(self, seed: int) -> None:
        self.asked = sane_request(seed) if seed % 3 == 0 else some_request(seed)  # a third with products
        self.plan: Formulation = formulate(self.asked)
        price_tier(self.plan, TIERS[Objective.COST][0])
        matrices = self.plan.program.matrices()
        answer = find(matrices, self.plan.thermal.on, 20.0, 0.0)
        result = settle(self.plan, matrices, answer.values)
        assert result is not None
        self.linear: Matrices = result.linear
        self.values, self.duals, self.objective = result.values, result.duals, result.objective
        self.why: Explanation = explained(self.plan, self.linear, self.values, self.duals)
        self.limits = self.plan.program.row_limits()
        self.hours = self.asked.step_s / 3600.0

    def gain(self, rows: Index, up: float, columns: Index, lower: float, upper: float) -> float:
        """What the objective falls by where rows (both sides) and bounds of columns are moved. −inf: impossible."""
        linear = self.linear
        row_lower, row_upper = linear.row_lower.copy(), linear.row_upper.copy()
        row_lower[rows] += up
        row_upper[rows] += up
        low, high = linear.lower.copy(), linear.upper.copy()
        low[columns] += lower
        high[columns] += upper
        if (low > high).any():
            return -np.inf
        moved = replace(linear, row_lower=row_lower, row_upper=row_upper, lower=low, upper=high)
        answer = mathopt.run(mathopt.model_of(moved))
        return self.objective - answer.objective if answer.found else -np.inf

    def rows_of(self, limit: Limit, column: int, sign: float = 0.0) -> Index:
        """Rows of a limit with an entry of a column (of a sign)."""
        linear = self.linear
        here = (linear.column == column) & (self.limits[linear.row] == limit)
        if sign:
            here &= np.sign(linear.coefficient) == sign
        return np.unique(linear.row[here])


def is_worth(value: float, relaxed: float, tightened: float, per: float) -> bool:
    """``value`` lies between what the next bit saves and what the last bit saved (the optimum is convex in it)."""
    slack = TOLERANCE + 1e-4 * abs(value)
    return relaxed / (EPSILON * per) <= value + slack and value <= -tightened / (EPSILON * per) + slack


NO_ROWS = np.zeros(0, dtype=np.int64)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_one_more_mw_and_one_less_of_reserve_cost_what_is_told(seed: int) -> None:
    solved = Solved(seed)
    for t in range(solved.asked.steps):
        row = solved.plan.rows.balance[t : t + 1]
        less, more = (solved.gain(row, up, NO_ROWS, 0.0, 0.0) for up in (-EPSILON, EPSILON))
        assert is_worth(solved.why.one_more_per_mwh[t], less, more, solved.hours)
        row = solved.plan.rows.reserve[t : t + 1]
        less, more = (solved.gain(row, up, NO_ROWS, 0.0, 0.0) for up in (-EPSILON, EPSILON))
        assert is_worth(solved.why.reserve_value_per_mwh[t], less, more, solved.hours)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_a_further_mwh_in_store_is_worth_what_is_told(seed: int) -> None:
    solved = Solved(seed)
    members = solved.plan.storage.data.members
    for k, place in enumerate(members):
        for t in range(solved.asked.steps):
            row = solved.rows_of(Limit.ENERGY, int(solved.plan.storage.stored[k, t]), sign=1.0)
            gift, theft = (solved.gain(row, up, NO_ROWS, 0.0, 0.0) for up in (EPSILON, -EPSILON))
            assert is_worth(solved.why.stored_value_per_mwh[place, t], gift, theft, 1.0)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_one_more_mw_of_a_feeder_is_worth_what_is_told(seed: int) -> None:
    solved = Solved(seed)
    groups = solved.plan.groups
    for place, t in np.ndindex(groups.maximum.shape):
        worth = float(solved.why.limit_value_per_mwh[place, t])
        wider, tighter = (
            solved.gain(groups.maximum[place, t : t + 1], up, NO_ROWS, 0.0, 0.0)
            + solved.gain(groups.minimum[place, t : t + 1], -up, NO_ROWS, 0.0, 0.0)
            for up in (EPSILON, -EPSILON)
        )
        assert is_worth(worth, wider, tighter, solved.hours), (place, t)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_a_limit_is_worth_what_its_relaxation_saves(seed: int) -> None:
    solved = Solved(seed)
    for reason, place, t, moves in relaxations(solved):
        rows, up, columns, lower, upper, per = moves
        relaxed = solved.gain(rows, EPSILON * up, columns, EPSILON * lower, EPSILON * upper)
        tightened = solved.gain(rows, -EPSILON * up, columns, -EPSILON * lower, -EPSILON * upper)
        value = float(solved.why.value_per_mwh[place, t])
        assert is_worth(value, relaxed, tightened, per), (reason, place, t, value, relaxed, tightened)


Moves = tuple[Index, float, Index, float, float, float]


def relaxations(solved: Solved) -> Iterator[tuple[Reason, int, int, Moves]]:
    """How the limit of each reason is relaxed by one: rows, columns' bounds, and hours that the value counts per."""
    plan, why, h = solved.plan, solved.why, solved.hours
    for k, place in enumerate(plan.thermal.data.members):
        for t in range(solved.asked.steps):
            reason, above = Reason(int(why.reason[place, t])), int(plan.thermal.above[k, t])
            moved = thermal_relaxation(solved, reason, k, t, above)
            if moved is not None:
                yield reason, int(place), t, (*moved, h)
    for k, place in enumerate(plan.renewable.members):
        for t in range(solved.asked.steps):
            reason, power = Reason(int(why.reason[place, t])), plan.renewable.power[k, t : t + 1]
            if reason in (Reason.FORECAST, Reason.RATING):
                yield reason, int(place), t, (NO_ROWS, 0.0, power, 0.0, 1.0, h)
            if reason is Reason.DOUBT:
                rows = solved.rows_of(Limit.DOUBT, int(power[0]))
                yield reason, int(place), t, (rows, 1.0, power, 0.0, 0.0, h)
            if reason is Reason.CURTAILED:
                yield reason, int(place), t, (NO_ROWS, 0.0, power, -1.0, 0.0, h)
    for k, place in enumerate(plan.storage.data.members):
        for t in range(solved.asked.steps):
            reason = Reason(int(why.reason[place, t]))
            found = storage_relaxation(solved, reason, k, t)
            if found is not None:
                yield reason, int(place), t, found


def thermal_relaxation(
    solved: Solved, reason: Reason, k: int, t: int, above: int
) -> tuple[Index, float, Index, float, float] | None:
    plan = solved.plan
    column = np.array([above])
    ramps = {
        Reason.RAMP_UP: (Limit.RAMP_UP, 1.0, 1.0),
        Reason.AHEAD_OF_RAMP_UP: (Limit.RAMP_UP, -1.0, 1.0),
        Reason.AHEAD_OF_RAMP_DOWN: (Limit.RAMP_DOWN, 1.0, 1.0),
    }
    bent = np.flatnonzero(plan.thermal.bent == k)
    segments = plan.thermal.segments[bent[0], t] if len(bent) else NO_ROWS
    width = plan.thermal.data.segment_width[k]
    if reason in ramps:
        limit, sign, up = ramps[reason]
        rows = solved.rows_of(limit, above, sign)
        rows = rows[np.isfinite(solved.linear.row_upper[rows])]  # the ramp down from the state at the start holds up
        return rows, up, NO_ROWS, 0.0, 0.0
    if reason is Reason.RAMP_DOWN:  # from the step before, or (at least so much) from the state at the start
        rows = solved.rows_of(Limit.RAMP_DOWN, above, -1.0)
        first = solved.rows_of(Limit.RAMP_DOWN, above, 1.0)
        first = first[np.isfinite(solved.linear.row_lower[first])]
        return (first, -1.0, NO_ROWS, 0.0, 0.0) if t == 0 else (rows, 1.0, NO_ROWS, 0.0, 0.0)
    generation = np.concatenate([solved.rows_of(limit, above) for limit in (Limit.GENERATION, Limit.BEFORE_STOP)])
    if reason is Reason.START_RAMP:
        return solved.rows_of(Limit.GENERATION, above), 1.0, NO_ROWS, 0.0, 0.0
    if reason is Reason.STOP_RAMP:
        apart = solved.rows_of(Limit.BEFORE_STOP, above)
        return (apart if len(apart) else generation), 1.0, NO_ROWS, 0.0, 0.0
    if reason is Reason.RESERVE:
        if not any(solved.values[held[k, t]] > 1e-6 for held in plan.thermal.down):
            return generation, 1.0, NO_ROWS, 0.0, 0.0
        beneath = solved.rows_of(Limit.HELD_DOWN, above)
        if not any(solved.values[held[k, t]] > 1e-6 for held in plan.thermal.up):
            return beneath, -1.0, NO_ROWS, 0.0, 0.0
        return None  # either way: the value is that of the two together
    if reason in (Reason.RATING, Reason.DERATING):
        last = np.array([s for s in segments if solved.values[s] > 1e-6][-1:], dtype=np.int64)
        width_rows = [solved.rows_of(Limit.OTHER, int(s)) for s in last]
        rows = np.concatenate([generation, *width_rows])
        return rows, 1.0, np.concatenate([column, last]), 0.0, 1.0
    if reason in (Reason.MINIMUM, Reason.UP_TIME):
        first = segments[np.flatnonzero(width > 0)[:1]] if len(segments) else NO_ROWS
        held = any(solved.values[one[k, t]] > 1e-6 for one in plan.thermal.down)
        beneath = NO_ROWS if held else solved.rows_of(Limit.HELD_DOWN, above)
        return beneath, -1.0, np.concatenate([column, first]), -1.0, 0.0
    return None


def storage_relaxation(solved: Solved, reason: Reason, k: int, t: int) -> Moves | None:
    storage, h = solved.plan.storage, solved.hours
    discharge, charge = (int(block[k, t]) for block in (storage.discharge, storage.charge))
    stored = int(storage.stored[k, t])
    taking = solved.values[charge] > max(solved.values[discharge], 1e-6)
    power = np.array([charge if taking else discharge])

    def holds(held: tuple[Sustained, ...], to: int) -> bool:
        return any((solved.values[one.columns[k, t:to]] > 1e-6).any() for one in held)

    up, down = holds(storage.up, t + 2), holds(storage.down, t + 2)
    if reason in (Reason.FINAL_ENERGY, Reason.SOC_FLOOR, Reason.SOC_CEILING, Reason.RESERVE_ENERGY):
        if reason is Reason.RESERVE_ENERGY and up and down:
            return None  # either way: the value is that of the two together
        rows = {
            Reason.FINAL_ENERGY: [Limit.FINAL_ENERGY],
            Reason.SOC_FLOOR: [Limit.FLOOR] if up else [Limit.FLOOR, Limit.RESERVE_ENERGY],
            Reason.RESERVE_ENERGY: [Limit.RESERVE_ENERGY if up else Limit.RESERVE_ROOM],
        }.get(reason, [])
        if reason is not Reason.SOC_CEILING:
            found = np.concatenate([solved.rows_of(limit, stored) for limit in rows])
            return found, -1.0, NO_ROWS, 0.0, 0.0, 1.0
        room = solved.rows_of(Limit.RESERVE_ROOM, stored)
        if down or not len(room):
            return solved.rows_of(Limit.CEILING, stored), 1.0, NO_ROWS, 0.0, 0.0, 1.0
        return None  # two rows that are relaxed by opposite signs
    if reason is Reason.CYCLES:
        return solved.rows_of(Limit.CYCLES, discharge), 1.0, NO_ROWS, 0.0, 0.0, 1.0
    above, beneath = solved.rows_of(Limit.RESERVE_POWER, discharge), solved.rows_of(Limit.HELD_DOWN, discharge)
    up, down = holds(storage.up, t + 1), holds(storage.down, t + 1)
    if reason is Reason.RESERVE:
        if up and down:
            return None
        return (above if up else beneath), 1.0 if up else -1.0, NO_ROWS, 0.0, 0.0, h
    if reason in (Reason.RATING, Reason.RESTS):
        if len(beneath) and taking and not down:
            return None  # rows that are relaxed by opposite signs
        rows_up = NO_ROWS if taking or up or reason is Reason.RESTS else above
        found = np.concatenate([rows_up, solved.rows_of(Limit.ONE_WAY, int(power[0]))])
        return found, 1.0, power, 0.0, 1.0, h
    return None


@settings(max_examples=80, deadline=None)
@given(seed=SEEDS, objective=st.sampled_from([Objective.COST, Objective.COST, *Objective]))
def test_every_asset_and_step_has_one_reason_and_it_is_true(seed: int, objective: Objective) -> None:
    made = sane_request(seed) if seed % 3 == 0 else some_request(seed)
    asked = replace(made, objective=objective)
    schedule = solve(asked)
    assert isinstance(schedule, Schedule), schedule
    why = schedule.explanation
    assert why is not None
    assert why.reason.shape == why.value_per_mwh.shape == why.stored_value_per_mwh.shape == schedule.power_mw.shape
    assert why.one_more_per_mwh == pytest.approx(schedule.marginal_price_per_mwh)
    assert {int(reason) for reason in why.reason.ravel()} <= {int(reason) for reason in Reason}
    usable = why.reason != Reason.NOT_USABLE
    assert np.isfinite(why.value_per_mwh[usable & schedule.on]).all()
    assert (why.value_per_mwh[usable & schedule.on] >= 0.0).all()
    if objective is Objective.COST:
        assert untrue(asked, schedule) == []
