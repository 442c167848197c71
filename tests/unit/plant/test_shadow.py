"""The imagined fleet obeys within ramps, start times and stores; what cannot be used is what it really is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.plant.fleets import FLEET, states
from vppscada.model.dispatch import Dispatch
from vppscada.plant.fleet_view import fleet_columns
from vppscada.plant.memory import Memory
from vppscada.plant.shadow import Imagined, as_seen, imagined, obeyed

COLUMNS = fleet_columns(FLEET)
NAN = float("nan")
OFF = [False, True, True, True]


def told(*setpoints: float, start: bool = False, stop: bool = False) -> Dispatch:
    """Setpoints of engine, sun, battery and flywheel; start and stop are the engine's."""
    first = np.array([True, False, False, False])
    return Dispatch(0.0, np.array(setpoints), first & start, first & stop, 0.0)


def begin(**columns: Any) -> Imagined:
    return imagined(states(**columns), Memory.fresh(4, 0))


def test_a_setpoint_is_reached_as_far_as_ramps_allow() -> None:
    live = states(power_mw=[3.0, 0.0, 0.0, 0.0])
    fleet = obeyed(imagined(live, Memory.fresh(4, 0)), told(9.0, NAN, 0.0, 0.0), live, COLUMNS, 1 / 60)
    assert fleet.power_mw[0] == pytest.approx(7.0)  # 4 MW a minute
    assert as_seen(fleet, live, COLUMNS).power_mw[0] == pytest.approx(7.0)


def test_sun_gives_what_is_there_and_no_more_than_it_is_told() -> None:
    fleet, live = begin(power_mw=[0.0, 2.0, 0.0, 0.0]), states(available_mw=[10.0, 3.0, 5.0, 2.0])
    assert obeyed(fleet, told(NAN, 8.0, 0.0, 0.0), live, COLUMNS, 0.01).power_mw[1] == 3.0
    assert obeyed(fleet, told(NAN, 1.5, 0.0, 0.0), live, COLUMNS, 0.01).power_mw[1] == 1.5


def test_an_engine_is_on_when_its_start_time_has_passed_and_off_when_stopped() -> None:
    live = states(on=OFF)
    fleet = imagined(live, Memory.fresh(4, 0))
    fleet = obeyed(fleet, told(NAN, NAN, 0.0, 0.0, start=True), live, COLUMNS, 100 / 3600)
    assert not fleet.on[0] and fleet.power_mw[0] == 0.0
    fleet = obeyed(fleet, told(NAN, NAN, 0.0, 0.0), live, COLUMNS, 20 / 3600)  # 120 s since the start command
    assert fleet.on[0]
    assert as_seen(fleet, live, COLUMNS).on.tolist() == [True] * 4
    stopped = obeyed(fleet, told(NAN, NAN, 0.0, 0.0, stop=True), live, COLUMNS, 1 / 3600)
    assert not stopped.on[0] and stopped.power_mw[0] == 0.0


def test_a_store_gives_what_is_in_it_and_takes_what_it_holds() -> None:
    live = states(stored_mwh=[NAN, NAN, 1.5, 0.25])
    fleet = obeyed(imagined(live, Memory.fresh(4, 0)), told(NAN, NAN, 5.0, 0.0), live, COLUMNS, 0.25)
    assert fleet.power_mw[2] == pytest.approx(0.5 * 0.95 / 0.25)  # down to its floor of 1 MWh
    assert fleet.stored_mwh[2] == pytest.approx(1.0)
    charged = obeyed(fleet, told(NAN, NAN, -4.0, 0.0), live, COLUMNS, 0.25)
    assert charged.stored_mwh[2] == pytest.approx(1.0 + 0.95)
    # the real one was not touched, and stays what it was
    assert live.stored_mwh[2] == 1.5


def test_what_cannot_be_used_is_what_it_really_is() -> None:
    live = states(power_mw=[6.0, 0.0, 1.0, 0.0], usable=[False, True, True, True])
    fleet = replace(begin(), power_mw=np.array([3.0, 0.0, -2.0, 0.0]))
    after = obeyed(fleet, told(9.0, NAN, -2.0, 0.0), live, COLUMNS, 0.1)
    assert after.power_mw.tolist() == [6.0, 0.0, -2.0, 0.0]


def test_what_is_out_of_sight_is_not_seen_and_begins_anew_as_it_comes_back() -> None:
    lost = states(power_mw=[NAN, 0.0, 0.0, 0.0], online=[False, True, True, True], usable=[False, True, True, True])
    fleet = obeyed(begin(power_mw=[5.0, 0.0, 0.0, 0.0]), told(5.0, NAN, 0.0, 0.0), lost, COLUMNS, 0.1)
    assert np.isnan(as_seen(fleet, lost, COLUMNS).power_mw[0])
    back = states(power_mw=[4.0, 0.0, 0.0, 0.0])
    assert obeyed(fleet, told(9.0, NAN, 0.0, 0.0), back, COLUMNS, 0.1).power_mw[0] == 4.0


def test_no_time_changes_nothing() -> None:
    fleet = begin()
    assert obeyed(fleet, told(9.0, 1.0, 1.0, 1.0), states(), COLUMNS, 0.0) is fleet
