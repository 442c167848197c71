"""The problem as MODEL.tex of pglib-uc writes it, row for row: the reference, and what a rival is given.

Morales-España, Latorre, Ramos (2013), with piecewise production after Sridhar, Linderoth, Luedtke (2013). Only
the variable of a unit's cost is not written: its definition goes straight into the objective.
"""

from dataclasses import dataclass

import numpy as np

from vppscada.scheduling.program import Index, Matrices, Program
from vppscada.scheduling.unit_commitment.problem import Commitment, Flags, Problem, Whole


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """Variables, (g, T) each but renewables (w, T); rows of the system (T,)."""

    program: Program
    on: Index
    start: Index
    stop: Index
    above: Index
    reserve: Index
    renewable: Index
    balance: Index
    reserves: Index


def plain_formulation(problem: Problem) -> Plain:
    """All variables and rows."""
    program = Program()
    shape = (len(problem), problem.steps)
    must_run = problem.must_run.astype(np.float64)[:, None]
    plain = Plain(
        program=program,
        on=program.block(shape, must_run, 1.0, integer=True),
        start=program.block(shape, 0.0, 1.0, integer=True),
        stop=program.block(shape, 0.0, 1.0, integer=True),
        above=program.block(shape),
        reserve=program.block(shape),
        renewable=program.block(problem.renewable_minimum.shape, problem.renewable_minimum, problem.renewable_maximum),
        balance=program.equal((problem.steps,), problem.demand),
        reserves=program.at_least((problem.steps,), problem.reserve),
    )
    program.price(plain.on, problem.curve_cost[:, :1])
    add_system(problem, plain)
    add_logic(problem, plain)
    add_initial_times(problem, plain)
    add_minimum_times(problem, plain)
    add_start_categories(problem, plain)
    add_output_limits(problem, plain)
    add_ramps(problem, plain)
    add_production_cost(problem, plain)
    return plain


def add_system(problem: Problem, plain: Plain) -> None:
    """Output meets demand, reserves sum to what is asked."""
    plain.program.add(plain.balance, plain.above, 1.0)
    plain.program.add(plain.balance, plain.on, problem.minimum_mw[:, None])
    plain.program.add(plain.balance, plain.renewable, 1.0)
    plain.program.add(plain.reserves, plain.reserve, 1.0)


def add_logic(problem: Problem, plain: Plain) -> None:
    """on − on before = start − stop."""
    before = np.zeros(plain.on.shape)
    before[:, 0] = problem.was_on
    rows = plain.program.equal(plain.on.shape, before, (plain.on, 1.0), (plain.start, -1.0), (plain.stop, 1.0))
    plain.program.add(rows[:, 1:], plain.on[:, :-1], -1.0)


def add_initial_times(problem: Problem, plain: Plain) -> None:
    """What is left of minimum up and down times."""
    left = np.where(problem.was_on, problem.minimum_up, problem.minimum_down) - problem.steps_in_state
    held = np.arange(problem.steps) < left[:, None]
    state = np.broadcast_to(problem.was_on[:, None], held.shape)[held].astype(np.float64)
    plain.program.equal(state.shape, state, (plain.on[held], 1.0))


def add_minimum_times(problem: Problem, plain: Plain) -> None:
    """Starts of the last minimum-up steps ≤ on; stops of the last minimum-down steps ≤ 1 − on."""
    for event, least, sign, most in (
        (plain.start, problem.minimum_up, -1.0, 0.0),
        (plain.stop, problem.minimum_down, 1.0, 1.0),
    ):
        window = np.minimum(least, problem.steps)
        there = np.arange(1, problem.steps + 1) >= window[:, None]
        rows = _numbered(plain.program.at_most((int(there.sum()),), most, (plain.on[there], sign)), there)
        _add_windows(plain.program, rows, event, np.zeros_like(window), window)


def add_start_categories(problem: Problem, plain: Plain) -> None:
    """Each start is of one category; all but the coldest need a stop within their window of steps.

    A start sooner than the first lag (a file may say so) counts as the hottest.
    """
    program, steps = plain.program, problem.steps
    time = np.arange(1, steps + 1)
    off_for = np.where(problem.was_on, 0, problem.steps_in_state)
    lag = problem.start_lag.copy()
    lag[:, 0] = np.minimum(lag[:, 0], problem.minimum_down)
    link = program.equal(plain.start.shape, 0.0, (plain.start, -1.0))
    last = lag.shape[1] - 1
    for s in range(last + 1):
        there = np.flatnonzero(lag[:, s] < lag[:, s + 1]) if s < last else np.arange(len(problem))
        most = np.ones((len(there), steps))
        if s < last:
            until = lag[there, s + 1][:, None]
            most[(time < until) & (time > until - off_for[there, None])] = 0.0
        category = program.block(most.shape, 0.0, most, integer=True)
        program.add(link[there], category, 1.0)
        program.price(category, problem.start_cost[there, s][:, None])
        if s < last:
            late = time >= until
            rows = _numbered(program.at_most((int(late.sum()),), 0.0, (category[late], 1.0)), late)
            _add_windows(program, rows, plain.stop[there], lag[there, s], lag[there, s + 1], -1.0)


def add_output_limits(problem: Problem, plain: Plain) -> None:
    """Power and reserve up to the maximum; less in the first step after a start and the last before a stop."""
    width = problem.width[:, None]
    start_cut = np.maximum(problem.maximum_mw - problem.start_limit, 0.0)[:, None]
    stop_cut = np.maximum(problem.maximum_mw - problem.stop_limit, 0.0)
    both = ((plain.above, 1.0), (plain.reserve, 1.0))
    plain.program.at_most(plain.on.shape, 0.0, *both, (plain.on, -width), (plain.start, start_cut))
    rows = plain.program.at_most(
        plain.on[:, :-1].shape, 0.0, *((column[:, :-1], one) for column, one in both), (plain.on[:, :-1], -width)
    )
    plain.program.add(rows, plain.stop[:, 1:], stop_cut[:, None])
    slack = np.where(problem.was_on, problem.width - problem.above_before, 0.0)
    plain.program.at_most((len(problem),), slack, (plain.stop[:, 0], stop_cut))


def add_ramps(problem: Problem, plain: Plain) -> None:
    """Between steps, and from the power before the first."""
    program, above, reserve = plain.program, plain.above, plain.reserve
    between, first = above[:, 1:].shape, (len(problem),)
    up, down, before = problem.ramp_up, problem.ramp_down, problem.above_before
    program.at_most(between, up[:, None], (above[:, 1:], 1.0), (reserve[:, 1:], 1.0), (above[:, :-1], -1.0))
    program.at_most(between, down[:, None], (above[:, :-1], 1.0), (above[:, 1:], -1.0))
    program.at_most(first, up + before, (above[:, 0], 1.0), (reserve[:, 0], 1.0))
    program.at_least(first, before - down, (above[:, 0], 1.0))


def add_production_cost(problem: Problem, plain: Plain) -> None:
    """Power and cost as a mixture of the points of the curve, whose shares sum to on."""
    mw, cost = problem.curve_mw, problem.curve_cost
    power = plain.program.equal(plain.on.shape, 0.0, (plain.above, -1.0))
    shares = plain.program.equal(plain.on.shape, 0.0, (plain.on, -1.0))
    for point in range(mw.shape[1]):
        there = np.flatnonzero((mw[:, point] > mw[:, point - 1]) | (point == 0))
        share = plain.program.block((len(there), problem.steps), 0.0, 1.0)
        plain.program.add(shares[there], share, 1.0)
        plain.program.add(power[there], share, (mw[there, point] - mw[there, 0])[:, None])
        plain.program.price(share, (cost[there, point] - cost[there, 0])[:, None])


def with_commitment(plain: Plain, matrices: Matrices, on: Flags, was_on: Flags) -> Matrices:
    """The linear program that is left when it is fixed which units run."""
    before = np.concatenate([was_on[:, None], on[:, :-1]], axis=1)
    lower, upper = matrices.lower.copy(), matrices.upper.copy()
    for block, value in ((plain.on, on), (plain.start, on & ~before), (plain.stop, ~on & before)):
        lower[block] = upper[block] = value
    return Matrices(
        matrices.cost, matrices.offset, lower, upper, np.zeros_like(matrices.integer), matrices.row_lower,
        matrices.row_upper, matrices.row, matrices.column, matrices.coefficient,
    )  # fmt: skip


def commitment_of(
    problem: Problem, plain: Plain, values: np.ndarray[tuple[int], np.dtype[np.float64]], cost: float
) -> Commitment:
    """A solution read out."""
    on = values[plain.on] > 0.5
    return Commitment(
        on=on,
        power=np.where(on, problem.minimum_mw[:, None] + values[plain.above], 0.0),
        reserve=np.where(on, values[plain.reserve], 0.0),
        renewable=values[plain.renewable],
        cost=cost,
    )


def _numbered(rows: Index, there: Flags) -> Index:
    """Row numbers in the places of ``there``, −1 elsewhere."""
    numbers = np.full(there.shape, -1, dtype=np.int64)
    numbers[there] = rows
    return numbers


def _add_windows(
    program: Program, rows: Index, events: Index, first: Whole, end: Whole, coefficient: float = 1.0
) -> None:
    """To the row of unit and step t, the events of the steps t − first … t − end + 1 that there are."""
    steps = rows.shape[1]
    for back in range(min(int(end.max(initial=0)), steps)):
        inside = (first <= back) & (back < end)
        row, event = rows[inside, back:], events[inside, : steps - back]
        program.add(row[row >= 0], event[row >= 0], coefficient)
