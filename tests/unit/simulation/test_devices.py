"""The physics of the nine kinds, without a loop, a protocol or a clock."""

import math
from dataclasses import replace

import pytest

from vppscada.model.assets import Asset, AssetKind
from vppscada.model.commands import CommandStatus
from vppscada.model.points import Role
from vppscada.simulation.devices import Device, Environment, Phase, make_device

NOON_S = 1_719_835_200.0  # a whole day's noon, UTC
CALM = Environment(plant_s=NOON_S)

THERMAL = {
    "rating_mw": 10.0,
    "minimum_mw": 3.0,
    "ramp_up_mw_per_min": 4.0,
    "ramp_down_mw_per_min": 5.0,
    "start_time_s": 120.0,
    "heat_rate": ((3.0, 8.4), (10.0, 24.0)),
}
STORAGE = {
    "rating_mw": 5.0,
    "charge_rating_mw": 5.0,
    "capacity_mwh": 10.0,
    "charge_efficiency": 0.9,
    "discharge_efficiency": 0.8,
    "soc_minimum": 0.1,
    "soc_maximum": 0.9,
}


def device(kind: AssetKind, **figures: object) -> Device:
    asset = Asset(name="a", kind=kind, session="s", **figures)  # type: ignore[arg-type]
    return make_device(asset, CALM)


def run(one: Device, seconds: float, tick_s: float = 1.0, **surroundings: float) -> None:
    end = one.environment.plant_s + seconds
    while one.environment.plant_s < end - 1e-9:
        dt_s = min(tick_s, end - one.environment.plant_s)
        one.advance(replace(one.environment, plant_s=one.environment.plant_s + dt_s, **surroundings), dt_s)


def power(one: Device) -> float:
    return one.readings()[Role.ACTIVE_POWER]


@pytest.mark.parametrize("kind", AssetKind)
def test_every_kind_tells_the_roles_that_the_plant_reads(kind: AssetKind) -> None:
    readings = device(kind, **STORAGE if kind.family == "storage" else {"rating_mw": 1.0}).readings()
    wanted = {Role.ACTIVE_POWER, Role.AVAILABLE_POWER, Role.SETPOINT_FEEDBACK, Role.RUNNING, Role.FAULT, Role.REMOTE}
    assert wanted <= readings.keys()
    assert all(math.isfinite(value) for value in readings.values())


def test_a_thermal_unit_is_synchronised_after_its_start_time_and_counts_one_start() -> None:
    engine = device(AssetKind.RECIPROCATING_ENGINE, **THERMAL)
    engine.command(Role.START_STOP, 1.0)
    run(engine, 119.0)
    assert engine.state.phase is Phase.STARTING
    assert power(engine) == 0.0
    run(engine, 4.0)
    assert engine.readings()[Role.RUNNING] == 1.0
    assert engine.readings()[Role.STARTS] == 1.0


def test_a_thermal_unit_ramps_to_its_setpoint_and_never_faster_than_it_may() -> None:
    engine = device(AssetKind.RECIPROCATING_ENGINE, **THERMAL)
    engine.command(Role.SETPOINT, 9.0)
    engine.command(Role.START_STOP, 1.0)
    last = 0.0
    for _ in range(600):
        run(engine, 1.0)
        assert power(engine) - last <= 4.0 / 60.0 + 1e-9
        last = power(engine)
    assert last == pytest.approx(9.0)


def test_a_running_thermal_unit_does_not_go_below_its_minimum_until_it_is_stopped() -> None:
    engine = device(AssetKind.RECIPROCATING_ENGINE, **THERMAL)
    engine.command(Role.START_STOP, 1.0)
    engine.command(Role.SETPOINT, 0.5)
    run(engine, 600.0)
    assert power(engine) == pytest.approx(3.0)
    engine.command(Role.START_STOP, 0.0)
    run(engine, 30.0)
    assert 0.0 < power(engine) < 3.0
    run(engine, 60.0)
    assert power(engine) == 0.0
    assert engine.readings()[Role.RUNNING] == 0.0


def test_fuel_follows_the_heat_rate_and_nothing_burns_when_off() -> None:
    engine = device(AssetKind.RECIPROCATING_ENGINE, **THERMAL)
    run(engine, 3600.0, 10.0)
    assert engine.state.fuel_mwh == 0.0
    engine.command(Role.SETPOINT, 10.0)
    engine.command(Role.START_STOP, 1.0)
    run(engine, 1000.0)
    before = engine.state.fuel_mwh
    run(engine, 3600.0, 10.0)
    assert engine.state.fuel_mwh - before == pytest.approx(24.0)


def test_the_same_hour_in_one_tick_or_many_ends_in_the_same_place() -> None:
    fine, coarse = (device(AssetKind.RECIPROCATING_ENGINE, **THERMAL) for _ in range(2))
    for one in (fine, coarse):
        one.command(Role.SETPOINT, 8.0)
        one.command(Role.START_STOP, 1.0)
    run(fine, 3600.0, 1.0)
    run(coarse, 3600.0, 360.0)
    assert power(fine) == pytest.approx(power(coarse))
    assert fine.state.exported_mwh == pytest.approx(coarse.state.exported_mwh, rel=0.01)


def test_a_microturbine_loses_power_in_the_heat() -> None:
    turbine = device(AssetKind.MICROTURBINE, **{**THERMAL, "derating_per_degc": 0.01})
    turbine.command(Role.SETPOINT, 10.0)
    turbine.command(Role.START_STOP, 1.0)
    run(turbine, 1200.0, 10.0, ambient_degc=35.0)
    assert turbine.readings()[Role.AVAILABLE_POWER] == pytest.approx(8.0)
    assert power(turbine) == pytest.approx(8.0)


def test_an_emergency_generator_stops_when_its_hours_of_the_day_are_used_and_may_run_again_tomorrow() -> None:
    figures = {**THERMAL, "permitted_hours_per_day": 1.0}
    generator = device(AssetKind.EMERGENCY_GENERATOR, **figures)
    generator.command(Role.START_STOP, 1.0)
    run(generator, 2 * 3600.0, 10.0)
    assert power(generator) == 0.0
    assert generator.readings()[Role.AVAILABLE_POWER] == 0.0
    assert generator.readings()[Role.ALARM] == 1.0
    assert generator.state.run_h == pytest.approx(1.0, abs=0.03)
    run(generator, 10.5 * 3600.0, 10.0)  # past midnight
    assert power(generator) == pytest.approx(3.0)


def test_an_emergency_generator_empties_its_tank() -> None:
    generator = device(AssetKind.EMERGENCY_GENERATOR, **THERMAL)
    generator.command(Role.SETPOINT, 10.0)
    generator.command(Role.START_STOP, 1.0)
    run(generator, 12 * 3600.0, 60.0)
    assert generator.readings()[Role.FUEL_LEVEL] == pytest.approx(50.0, abs=1.0)
    run(generator, 13 * 3600.0, 60.0)
    assert generator.readings()[Role.FUEL_LEVEL] == pytest.approx(0.0, abs=0.2)
    assert power(generator) == 0.0


def test_a_fuel_cell_warms_and_moves_slowly() -> None:
    cell = device(AssetKind.FUEL_CELL, **{**THERMAL, "ramp_up_mw_per_min": 0.1, "start_time_s": 7200.0})
    cell.command(Role.START_STOP, 1.0)
    cell.command(Role.SETPOINT, 10.0)
    run(cell, 7200.0 + 600.0, 10.0)
    assert power(cell) == pytest.approx(1.0, abs=0.05)
    assert 100.0 < cell.readings()[Role.TEMPERATURE] < 650.0


@pytest.mark.parametrize("kind", [AssetKind.PHOTOVOLTAIC, AssetKind.WIND_TURBINE])
def test_sun_and_wind_give_what_there_is_unless_curtailed_and_never_more_than_the_rating(kind: AssetKind) -> None:
    unit = device(kind, rating_mw=8.0)
    run(unit, 60.0, available_mw=5.0)
    assert power(unit) == pytest.approx(5.0)
    unit.command(Role.SETPOINT, 2.0)
    run(unit, 60.0)
    assert power(unit) == pytest.approx(2.0)
    assert unit.readings()[Role.AVAILABLE_POWER] == pytest.approx(5.0)
    unit.command(Role.SETPOINT, 8.0)
    run(unit, 60.0, available_mw=11.0)
    assert power(unit) == pytest.approx(8.0)
    run(unit, 1.0, available_mw=1.0)
    assert power(unit) == pytest.approx(1.0)


def test_a_setpoint_that_is_not_enabled_is_not_obeyed() -> None:
    unit = device(AssetKind.PHOTOVOLTAIC, rating_mw=8.0)
    unit.command(Role.SETPOINT_ENABLE, 0.0)
    unit.command(Role.SETPOINT, 2.0)
    run(unit, 60.0, available_mw=5.0)
    assert power(unit) == pytest.approx(5.0)
    unit.command(Role.SETPOINT_ENABLE, 1.0)
    run(unit, 60.0)
    assert power(unit) == pytest.approx(2.0)


def test_wind_speed_agrees_with_the_power_that_is_available() -> None:
    turbine = device(AssetKind.WIND_TURBINE, rating_mw=6.0)
    speeds = []
    for available in (0.0, 1.0, 3.0, 6.0):
        run(turbine, 1.0, available_mw=available)
        speeds.append(turbine.readings()[Role.WIND_SPEED])
    assert speeds == sorted(speeds)
    assert speeds[0] < 3.0
    assert speeds[-1] == pytest.approx(12.0)


def test_a_turbine_pitches_rather_than_jumps() -> None:
    turbine = device(AssetKind.WIND_TURBINE, rating_mw=6.0)
    run(turbine, 60.0, available_mw=6.0)
    turbine.command(Role.SETPOINT, 0.0)
    run(turbine, 1.0)
    assert power(turbine) == pytest.approx(5.5)


def test_a_battery_loses_energy_both_ways() -> None:
    battery = device(AssetKind.BATTERY, **STORAGE)
    battery.command(Role.SETPOINT, -2.0)
    run(battery, 3600.0, 10.0)
    assert battery.state.stored_mwh == pytest.approx(5.0 + 2.0 * 0.9)
    battery.command(Role.SETPOINT, 2.0)
    run(battery, 1800.0, 10.0)
    assert battery.state.stored_mwh == pytest.approx(6.8 - 1.0 / 0.8)
    assert battery.readings()[Role.ENERGY_IMPORTED] == pytest.approx(2.0)
    assert battery.readings()[Role.ENERGY_EXPORTED] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", [AssetKind.BATTERY, AssetKind.FLYWHEEL, AssetKind.SUPERCONDUCTING_STORAGE])
@pytest.mark.parametrize(("setpoint", "limit"), [(5.0, 0.1), (-5.0, 0.9)])
@pytest.mark.parametrize("tick_s", [1.0, 600.0])
def test_storage_stops_at_full_and_empty_whatever_the_tick(
    kind: AssetKind, setpoint: float, limit: float, tick_s: float
) -> None:
    storage = device(kind, **{**STORAGE, "capacity_mwh": 0.2})
    storage.command(Role.SETPOINT, setpoint)
    for _ in range(20):
        run(storage, tick_s, tick_s)
        assert 0.1 - 1e-9 <= storage.state.stored_mwh / 0.2 <= 0.9 + 1e-9
    run(storage, 7200.0, 600.0)
    assert storage.state.stored_mwh / 0.2 == pytest.approx(limit, abs=0.02)
    assert abs(power(storage)) < 0.1


def test_a_battery_says_how_much_it_can_take_and_give_near_its_ends() -> None:
    battery = device(AssetKind.BATTERY, **STORAGE)
    battery.state = replace(battery.state, stored_mwh=8.75)  # half the taper below the top
    run(battery, 1.0)
    assert battery.readings()[Role.AVAILABLE_CHARGE_POWER] == pytest.approx(2.5)
    assert battery.readings()[Role.AVAILABLE_POWER] == pytest.approx(5.0)


def test_standing_losses_empty_a_storage_at_rest() -> None:
    wheel = device(AssetKind.FLYWHEEL, **{**STORAGE, "capacity_mwh": 0.5, "standby_loss_mw": 0.05})
    wheel.advance(CALM, 3600.0)
    assert wheel.state.stored_mwh == pytest.approx(0.2, abs=1e-6)
    battery = device(AssetKind.BATTERY, **{**STORAGE, "self_discharge_per_h": 0.1})
    battery.advance(CALM, 3600.0)
    assert battery.state.stored_mwh == pytest.approx(5.0 * math.exp(-0.1))


def test_a_flywheel_turns_at_half_speed_when_empty_and_full_speed_when_full() -> None:
    wheel = device(AssetKind.FLYWHEEL, **STORAGE)
    wheel.state = replace(wheel.state, stored_mwh=0.0)
    assert wheel.readings()[Role.ROTATIONAL_SPEED] == pytest.approx(8_000.0)
    wheel.state = replace(wheel.state, stored_mwh=10.0)
    assert wheel.readings()[Role.ROTATIONAL_SPEED] == pytest.approx(16_000.0)


def test_the_current_of_a_coil_goes_with_the_root_of_its_energy_and_a_quench_takes_it() -> None:
    coil = device(AssetKind.SUPERCONDUCTING_STORAGE, **STORAGE)
    coil.state = replace(coil.state, stored_mwh=2.5)
    assert coil.readings()[Role.CURRENT] == pytest.approx(1_000.0)
    coil.trip()
    run(coil, 60.0)
    assert coil.readings()[Role.CURRENT] < 10.0
    assert coil.readings()[Role.ALARM] == 1.0


@pytest.mark.parametrize("kind", AssetKind)
def test_a_trip_takes_the_power_away_and_holds_until_it_is_reset(kind: AssetKind) -> None:
    figures = STORAGE if kind.family == "storage" else THERMAL if kind.family == "thermal" else {"rating_mw": 5.0}
    one = device(kind, **figures)
    one.command(Role.START_STOP, 1.0)
    one.command(Role.SETPOINT, 4.0)
    run(one, 600.0, available_mw=5.0)
    assert power(one) > 0.0
    one.trip()
    run(one, 600.0)
    assert power(one) == 0.0
    assert one.readings()[Role.FAULT] == 1.0
    assert one.readings()[Role.AVAILABLE_POWER] == 0.0
    assert one.command(Role.SETPOINT, 4.0) is CommandStatus.BLOCKED
    assert one.command(Role.START_STOP, 1.0) is CommandStatus.BLOCKED
    assert one.command(Role.FAULT_RESET, 1.0) is CommandStatus.SUCCESS
    assert one.command(Role.START_STOP, 1.0) is CommandStatus.SUCCESS
    run(one, 10.0)
    assert one.readings()[Role.FAULT] == 0.0
    assert one.readings()[Role.AVAILABLE_POWER] >= 0.0


def test_an_open_breaker_takes_the_unit_off_at_once() -> None:
    engine = device(AssetKind.RECIPROCATING_ENGINE, **THERMAL)
    engine.command(Role.START_STOP, 1.0)
    run(engine, 600.0)
    engine.command(Role.BREAKER_COMMAND, 0.0)
    run(engine, 1.0)
    assert power(engine) == 0.0
    assert engine.readings()[Role.BREAKER] == 0.0


def test_a_device_in_local_obeys_nobody_afar() -> None:
    battery = device(AssetKind.BATTERY, **STORAGE)
    battery.remote = False
    assert battery.command(Role.SETPOINT, 1.0) is CommandStatus.LOCAL
    assert battery.orders.setpoint_mw == 0.0
    assert battery.readings()[Role.REMOTE] == 0.0


@pytest.mark.parametrize("value", [5.1, -5.1, math.nan, math.inf])
def test_a_setpoint_beyond_the_ratings_is_refused(value: float) -> None:
    battery = device(AssetKind.BATTERY, **STORAGE)
    assert battery.command(Role.SETPOINT, value) is CommandStatus.OUT_OF_RANGE
    assert battery.orders.setpoint_mw == 0.0


def test_judging_moves_nothing() -> None:
    battery = device(AssetKind.BATTERY, **STORAGE)
    assert battery.judge(Role.SETPOINT, 3.0) is CommandStatus.SUCCESS
    assert battery.orders.setpoint_mw == 0.0


def test_a_role_that_is_no_command_is_not_supported() -> None:
    assert device(AssetKind.BATTERY, **STORAGE).command(Role.VOLTAGE, 1.0) is CommandStatus.NOT_SUPPORTED


def test_reactive_power_follows_its_setpoint_inside_the_capability_circle() -> None:
    battery = device(AssetKind.BATTERY, **STORAGE)
    battery.command(Role.SETPOINT, 5.0)
    battery.command(Role.REACTIVE_SETPOINT, 5.0)
    run(battery, 5.0)
    assert battery.readings()[Role.REACTIVE_POWER] == pytest.approx(math.sqrt(5.5**2 - 5.0**2))


def test_time_that_stands_still_or_runs_back_moves_nothing() -> None:
    battery = device(AssetKind.BATTERY, **STORAGE)
    battery.command(Role.SETPOINT, 5.0)
    before = battery.state
    battery.advance(CALM, 0.0)
    battery.advance(CALM, -10.0)
    assert battery.state == before


@pytest.mark.parametrize("kind", [AssetKind.BATTERY, AssetKind.FLYWHEEL])
def test_what_is_stuck_stays_where_it_is_echoes_what_it_is_told_and_goes_there_once_free(kind: AssetKind) -> None:
    one = device(kind, **STORAGE)
    assert one.command(Role.SETPOINT, 2.0) is CommandStatus.SUCCESS
    run(one, 60.0)
    one.stick(True)
    assert one.command(Role.SETPOINT, -1.0) is CommandStatus.SUCCESS
    run(one, 60.0)
    assert power(one) == pytest.approx(2.0) and one.readings()[Role.SETPOINT_FEEDBACK] == -1.0
    one.stick(False)
    run(one, 60.0)
    assert power(one) == pytest.approx(-1.0)
