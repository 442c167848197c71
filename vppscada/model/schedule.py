"""Asking for a schedule, and what comes back. Columns: assets × steps."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vppscada.model.assets import Asset
from vppscada.model.explanation import Explanation
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


_NOTHING: Column = np.zeros(0)


def _nothing() -> Column:
    return _NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class InitialStates:
    """The fleet at the start of the first step, columns of length n."""

    power_mw: Column
    on: NDArray[np.bool_]
    hours_in_state: Column  # since it went on or off
    stored_mwh: Column  # 0 where not storage
    usable: NDArray[np.bool_]  # False: plan without it
    permitted: NDArray[np.bool_]  # emergency generators: there is an emergency; True for others
    run_hours_left_today: Column  # in an emergency; inf where no permit counts
    run_hours_left_year: Column
    #: Without an emergency. None given: none left.
    non_emergency_left_today: Column = field(default_factory=_nothing)
    non_emergency_left_year: Column = field(default_factory=_nothing)

    def __post_init__(self) -> None:
        for name in ("non_emergency_left_today", "non_emergency_left_year"):
            if getattr(self, name) is _NOTHING:
                object.__setattr__(self, name, np.zeros(len(self.power_mw)))


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """A service beside energy: spinning and other reserve, regulation, ramp and energy headroom. Columns of length T.

    What an asset holds of it is power that it could give (``up``) or take away within ``response_min`` minutes, and
    keep up for ``sustain_h`` hours. Nothing is held twice: products share an asset's room.
    """

    name: str
    up: bool
    response_min: float  # > 0
    sustain_h: float  # ≥ 0
    required_mw: Column
    offered_mw: Column  # most that may be sold beyond what is required
    price_per_mw_h: Column  # of what is sold
    holders: NDArray[np.bool_]  # (n,) assets that may hold it; sun, wind and emergency generators never do
    off_line: bool = False  # units that are off and there within the response count too


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
    products: tuple[Product, ...] = ()
    n_minus_1: bool = False  # cover the loss of any large unit whatever leads; where reliability leads it always is
    limits: LimitTree = field(default_factory=LimitTree.empty)  # on groups of assets, the same in every step
    #: (n, T) of ``forecast_mw``, what can be relied upon (P10): the rest needs reserve. None: all of it can.
    firm_mw: NDArray[np.float64] | None = None

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


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What a schedule holds and sells of a product."""

    product: str
    held_mw: NDArray[np.float64]  # (n, T)
    sold_mw: Column  # beyond what is required


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
    revenue: float  # price × (requirement served + export − import), and what products were sold for
    objective_value: float
    bound: float
    marginal_price_per_mwh: Column
    slacks: tuple[SlackUsed, ...] = ()
    solve_s: float = 0.0
    held: tuple[Held, ...] = ()  # by product, in the order of the request
    explanation: Explanation | None = None  # why, where the solver's duals tell it

    @property
    def gap(self) -> float:
        """Proven relative gap between objective and bound."""
        return abs(self.objective_value - self.bound) / max(abs(self.objective_value), 1e-9)

    @property
    def gave(self) -> tuple[str, ...]:
        """Each limit that had to give, in words: by how much at most, and from when to when (UTC), gap by gap."""
        told = []
        for limit in dict.fromkeys(slack.limit for slack in self.slacks):
            mine = sorted((slack for slack in self.slacks if slack.limit == limit), key=lambda slack: slack.step)
            for _, run in itertools.groupby(enumerate(mine), key=lambda placed: placed[1].step - placed[0]):
                steps = [slack for _, slack in run]
                most = max(slack.amount for slack in steps)
                begins, ends = self._time(steps[0].step), self._time(steps[-1].step + 1)
                told.append(f"{limit} by up to {most:.3g} {steps[0].units} from {begins} to {ends}")
        return tuple(told)

    def _time(self, step: int) -> str:
        moment = datetime.fromtimestamp(self.start_ms / 1000.0 + step * self.step_s, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class SolveFailure:
    """No schedule came. The last valid one stands."""

    status: SolveStatus
    reason: str
    solve_s: float = field(default=0.0)
