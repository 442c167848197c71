"""Prices that are wrong as a whole are brought to where they prove most."""

import time

import numpy as np
import pytest

from tests.benchmarks.fleets import fleet_day
from tests.unit.scheduling.decomposition.fleets import parts_of
from vppscada.scheduling.decomposition.dual import Fleet
from vppscada.scheduling.decomposition.levels import levelled


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    parts = parts_of(fleet_day(30))
    units = np.arange(len(parts.units.data))
    return Fleet(parts.units, parts.stores, parts.plant, units, np.arange(len(parts.stores.all.data)))


@pytest.mark.parametrize(("energy", "reserve"), [(0.0, 0.0), (400.0, 0.0), (80.0, 60.0), (120.0, 60.0)])
def test_from_any_level_the_bound_comes_as_high_as_from_the_best_of_a_grid(
    fleet: Fleet, energy: float, reserve: float
) -> None:
    steps = len(fleet.plant.owed)

    def flat(level: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.full(steps, level)

    grid = [fleet.ask(flat(e), flat(r)).bound for e in np.arange(40.0, 140.0, 5.0) for r in (0.0, 5.0, 10.0)]
    best = levelled(fleet, [(flat(energy), flat(reserve))], time.monotonic() + 60.0)
    assert best[0].bound >= max(grid) - 1e-3 * abs(max(grid))
    assert [one.bound for one in best] == sorted((one.bound for one in best), reverse=True)


def test_without_time_only_what_is_given_is_asked(fleet: Fleet) -> None:
    steps = len(fleet.plant.owed)
    given = [(np.full(steps, level), np.zeros(steps)) for level in (60.0, 90.0)]
    asked = levelled(fleet, given, time.monotonic())
    assert {float(one.energy[0]) for one in asked} == {60.0, 90.0}
