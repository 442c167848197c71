"""From roles to points and back, in device units."""

import numpy as np

from vppscada.model.assets import Asset, AssetKind
from vppscada.model.commands import (
    AnalogValue,
    Command,
    CommandBody,
    CommandMode,
    CommandStatus,
    Crob,
    CrobOperation,
    Origin,
)
from vppscada.model.points import Point, PointKind, Role
from vppscada.simulation.command_desk import CommandDesk
from vppscada.simulation.devices import Device, Environment, make_device
from vppscada.simulation.point_values import PointValues

KW = 1e-3  # what a map in kW is normalised by
POINTS = (
    Point("b.power", PointKind.ANALOG_INPUT, Role.ACTIVE_POWER, scale=KW),
    Point("b.remote", PointKind.BINARY_INPUT, Role.REMOTE, scale=-1.0, offset=1.0),
    Point("b.energy", PointKind.COUNTER, Role.ENERGY_EXPORTED, scale=KW),
    Point("b.constant", PointKind.ANALOG_INPUT, minimum=701.0, maximum=701.0),
    Point("b.setpoint", PointKind.ANALOG_OUTPUT, Role.SETPOINT, scale=KW, writable=True),
    Point("b.echo", PointKind.ANALOG_INPUT, Role.SETPOINT_FEEDBACK, scale=KW),
    Point("b.limit", PointKind.ANALOG_OUTPUT, None, "", "", 0.1, maximum=50.0, writable=True, feedback="b.limit_echo"),
    Point("b.limit_echo", PointKind.ANALOG_INPUT, scale=0.1),
    Point("b.start", PointKind.BINARY_OUTPUT, Role.START_STOP, writable=True),
    Point("b.fixed", PointKind.ANALOG_OUTPUT, writable=False),
    Point("b.maker", PointKind.STRING, Role.MANUFACTURER),
)  # fmt: skip
ROW = {point.id.removeprefix("b."): row for row, point in enumerate(POINTS)}


def battery() -> Device:
    asset = Asset("b", AssetKind.BATTERY, "s", rating_mw=5.0, charge_rating_mw=5.0, capacity_mwh=10.0)
    return make_device(asset, Environment(plant_s=0.0))


def desk(device: Device) -> tuple[CommandDesk, PointValues]:
    values = PointValues(POINTS)
    return CommandDesk(values, {"b": device}, lambda: None), values


def command(name: str, body: CommandBody) -> Command:
    return Command(1, ROW[name], body, CommandMode.DIRECT, Origin.EMS, 0.0, 10.0)


def shown(values: PointValues, device: Device) -> dict[str, float]:
    column = values.device_values({"b": device.readings()})
    return {name: float(column[row]) for name, row in ROW.items()}


def test_roles_come_out_in_device_units_and_the_rest_is_constant() -> None:
    device = battery()
    device.command(Role.SETPOINT, 2.0)
    device.advance(Environment(plant_s=3600.0), 3600.0)
    seen = shown(PointValues(POINTS), device)
    assert seen["power"] == 2000.0
    assert seen["remote"] == 0.0  # 1 on the wire is local
    assert seen["energy"] == 2000.0
    assert seen["constant"] == 701.0
    assert seen["setpoint"] == seen["echo"] == 2000.0


def test_only_what_changed_is_told_again() -> None:
    device, values = battery(), PointValues(POINTS)
    everything = values.changed(values.device_values({"b": device.readings()}))
    assert everything.tolist() == list(range(len(POINTS)))
    assert len(values.changed(values.device_values({"b": device.readings()}))) == 0
    device.command(Role.SETPOINT, 1.0)
    again = values.changed(values.device_values({"b": device.readings()}))
    assert again.tolist() == [ROW["setpoint"], ROW["echo"]]
    values.forget_shown()
    assert len(values.changed(values.device_values({"b": device.readings()}))) == len(POINTS)


def test_strings_say_something_and_have_no_number_of_their_own() -> None:
    assert PointValues(POINTS).texts() == {ROW["maker"]: "vppscada"}


async def test_a_command_in_device_units_reaches_the_device_and_its_echo() -> None:
    device = battery()
    handler, values = desk(device)
    assert await handler.operate(command("setpoint", AnalogValue(3000.0))) is CommandStatus.SUCCESS
    assert device.orders.setpoint_mw == 3.0
    assert shown(values, device)["echo"] == 3000.0


async def test_a_select_moves_nothing() -> None:
    device = battery()
    handler, _ = desk(device)
    assert await handler.select(command("setpoint", AnalogValue(3000.0))) is CommandStatus.SUCCESS
    assert device.orders.setpoint_mw == 0.0


async def test_refusals_have_the_words_of_the_standard() -> None:
    device = battery()
    handler, _ = desk(device)
    latch = Crob(CrobOperation.LATCH_ON)
    assert await handler.operate(command("setpoint", AnalogValue(9000.0))) is CommandStatus.OUT_OF_RANGE
    assert await handler.operate(command("setpoint", latch)) is CommandStatus.NOT_SUPPORTED
    assert await handler.operate(command("start", AnalogValue(1.0))) is CommandStatus.NOT_SUPPORTED
    assert await handler.operate(command("fixed", AnalogValue(1.0))) is CommandStatus.NOT_SUPPORTED
    assert await handler.operate(command("limit", AnalogValue(501.0))) is CommandStatus.OUT_OF_RANGE
    device.trip()
    assert await handler.operate(command("start", latch)) is CommandStatus.BLOCKED
    device.remote = False
    assert await handler.operate(command("start", latch)) is CommandStatus.LOCAL
    assert handler.statistics["commands_refused"] == 7


async def test_an_output_without_a_role_keeps_its_value_and_shows_it_in_its_feedback() -> None:
    device = battery()
    handler, values = desk(device)
    assert await handler.operate(command("limit", AnalogValue(500.0))) is CommandStatus.SUCCESS
    seen = shown(values, device)
    assert np.isclose(seen["limit"], 500.0)
    assert np.isclose(seen["limit_echo"], 500.0)
