"""Thermal assets as a whole: their variables and every family of rows, one function each.

The rows follow Morales-España et al. (2013), Gentile et al. (2017), Pan and Guan (2016), Damcı-Kurt et al. (2016) and
Knueven et al. (2018, 2020). Start costs and permits stand elsewhere.
"""

from vppscada.scheduling.horizon import Horizon
from vppscada.scheduling.limits import LimitSlack
from vppscada.scheduling.program import Program
from vppscada.scheduling.thermal import Thermal, ThermalData, thermal_variables
from vppscada.scheduling.thermal_curves import add_segments, add_tight_segments
from vppscada.scheduling.thermal_limits import (
    add_generation_limits,
    add_held_while_on,
    add_tight_generation_limits,
)
from vppscada.scheduling.thermal_ramps import add_initial_ramps, add_ramps, add_tight_ramps
from vppscada.scheduling.thermal_times import add_initial_times, add_logic, add_minimum_times


def add_thermal(program: Program, horizon: Horizon, data: ThermalData, slacks: list[LimitSlack]) -> Thermal:
    """All variables and rows of commitment and output."""
    thermal = thermal_variables(program, horizon, data)
    add_logic(program, thermal)
    add_minimum_times(program, thermal)
    add_initial_times(program, horizon, thermal, slacks)
    add_generation_limits(program, thermal)
    add_ramps(program, thermal)
    add_initial_ramps(program, horizon, thermal, slacks)
    add_segments(program, thermal)
    add_tight_rows(program, horizon, thermal)
    return thermal


def add_tight_rows(program: Program, horizon: Horizon, thermal: Thermal) -> None:
    """Rows for the search alone. They cut off no whole commitment, but much of what lies between.

    How far power may be before a stop that is some steps ahead (Pan and Guan 2016) is not among them: with the others
    that lifted the relaxation by less than 0.03 % and made the search slower.
    """
    add_tight_generation_limits(program, thermal)
    add_tight_ramps(program, thermal)
    add_tight_segments(program, thermal)
    add_held_while_on(program, horizon, thermal)
