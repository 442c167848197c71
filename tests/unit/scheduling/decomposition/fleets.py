"""Small fleets of every kind, the parts of their decomposition, and fleets a step later."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.property.test_schedule_properties import some_request
from vppscada.model.limits import LimitTree
from vppscada.model.schedule import Schedule, ScheduleRequest
from vppscada.scheduling.decomposition.alone import odd_ones
from vppscada.scheduling.decomposition.cycles import CycledStores
from vppscada.scheduling.decomposition.plant import Open
from vppscada.scheduling.decomposition.stores import Stores
from vppscada.scheduling.decomposition.units import Units
from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.solve import solve
from vppscada.scheduling.storage import storage_data
from vppscada.scheduling.thermal import thermal_data

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """The price takers of a request, and its plant."""

    request: ScheduleRequest
    units: Units
    stores: CycledStores
    plant: Open


def parts_of(request: ScheduleRequest) -> Parts:
    """Ready to be asked."""
    horizon = Horizon(request)
    stores = CycledStores(Stores(horizon, storage_data(horizon)))
    return Parts(request, Units(horizon, thermal_data(horizon)), stores, Open(horizon))


def small(seed: int, **changes: Any) -> ScheduleRequest:
    """A few assets of any kind in any state, sensible or not; prices may be negative. No limits of groups."""
    return replace(some_request(seed), relative_gap=0.0, limits=LimitTree.empty(), **changes)


def without_odd_ones(request: ScheduleRequest) -> ScheduleRequest:
    """Those that are planned alone are not usable."""
    usable = request.initial.usable & ~odd_ones(request)
    return replace(request, initial=replace(request.initial, usable=usable))


def optimum(request: ScheduleRequest) -> Schedule:
    """By the monolith."""
    found = solve(request)
    assert isinstance(found, Schedule), found
    return found


def some_prices(parts: Parts, rng: np.random.Generator) -> tuple[Column, Column]:
    """Prices of energy and reserve, of which some are below zero, and some very high."""
    steps = parts.request.steps
    return parts.plant.clipped(rng.uniform(-150.0, 200.0, steps), rng.choice([0.0, 0.0, 15.0, 200.0], steps))
