"""Asking for a schedule, and what comes back. Columns: assets × steps."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset
from vppscada.model.limits import LimitTree

Column = NDArray[np.float64]


class Objective(StrEnum):
    """Which tier leads. The others follow within their bands."""

    COST = "cost"
    REVENUE = "revenue"
    RELIABILITY = "reliability"
    EFFICIENCY = "efficiency"


class SolveStatus(StrEnum):
    """What the solver can vouch for."""

    OPTIMAL = "optimal"  # within the gap that was asked
    FEASIBLE = "feasible"  # a schedule with a proven gap larger than asked
    INFEASIBLE = "infeasible"  # cannot happen with priced slacks; an error in the model if it does
    UNSOLVED = "unsolved"  # no schedule before the deadline
    FAILED = "failed"  # the worker crashed or was killed


@dataclass(frozen=True, slots=True, eq=False)
class InitialStates:
    """The fleet at the start of the first step, columns of length n."""

    power_mw: Column
    on: NDArray[np.bool_]
    hours_in_state: Column  # since it went on or off
    stored_mwh: Column  # 0 where not storage
    usable: NDArray[np.bool_]  # False: plan without it
    permitted: NDArray[np.bool_]  # emergency generators: may run; True for others
    run_hours_left_today: Column  # inf where no permit counts
    run_hours_left_year: Column


@dataclass(frozen=True, slots=True, eq=False)
class ScheduleRequest:
    """Everything a solve needs; picklable, so that it can go to a worker process.

    T steps of ``step_s`` seconds from ``start_ms`` (UTC, plant time). Columns over time have length T,
    ``forecast_mw`` and ``ambient_degc`` see below.
    """

    start_ms: int
    step_s: float
    assets: tuple[Asset, ...]
    initial: InitialStates
    requirement_mw: Column  # net injection the plant owes
    price_per_mwh: Column  # may be negative
    forecast_mw: NDArray[np.float64]  # (n, T) power that sun and wind allow; inf for other families
    reserve_mw: Column  # spinning reserve required
    import_limit_mw: Column  # trade beside the requirement; 0 = none
    export_limit_mw: Column
    ambient_degc: Column
    objective: Objective = Objective.COST
    value_of_lost_load_per_mwh: float = 10_000.0
    reserve_penalty_per_mwh: float = 1_000.0
    dump_penalty_per_mwh: float = 500.0
    relative_gap: float = 0.005
    time_limit_s: float = 20.0
    limits: LimitTree = field(default_factory=LimitTree.empty)  # on groups of assets, the same in every step

    @property
    def steps(self) -> int:
        """T."""
        return len(self.requirement_mw)


@dataclass(frozen=True, slots=True)
class SlackUsed:
    """A limit that had to give: its name in words, how much, when (index of the step)."""

    limit: str
    amount: float
    units: str
    step: int

    def __str__(self) -> str:
        return f"{self.limit} by {self.amount:.3g} {self.units} in step {self.step}"


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """The plan. Arrays are (n, T) or (T,); powers are means over a step in MW."""

    start_ms: int
    step_s: float
    status: SolveStatus
    power_mw: NDArray[np.float64]
    on: NDArray[np.bool_]
    stored_mwh: NDArray[np.float64]  # at the end of each step
    reserve_mw: NDArray[np.float64]
    unserved_mw: Column
    dump_mw: Column
    import_mw: Column
    export_mw: Column
    cost: float  # fuel, running hours, starts, maintenance, wear
    revenue: float  # price × (requirement served + export − import)
    objective_value: float
    bound: float
    marginal_price_per_mwh: Column
    slacks: tuple[SlackUsed, ...] = ()
    solve_s: float = 0.0

    @property
    def gap(self) -> float:
        """Proven relative gap between objective and bound."""
        return abs(self.objective_value - self.bound) / max(abs(self.objective_value), 1e-9)


@dataclass(frozen=True, slots=True)
class SolveFailure:
    """No schedule came. The last valid one stands."""

    status: SolveStatus
    reason: str
    solve_s: float = field(default=0.0)
