"""Commands of an EMS to the field: a select upstream is a select downstream, and the answer is the field's."""

import time
from typing import cast

import pytest

from tests.unit.control.build import POINTS, ROW, Device, Field, Records, Time, site
from vppscada.control.pipeline import ControlPipeline
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
    Command,
    CommandMode,
    CommandResult,
    CommandStatus,
    NotSent,
    Origin,
    Rejected,
    Unanswered,
)
from vppscada.model.site import ExportedPoint
from vppscada.station.ems_commands import EmsCommands
from vppscada.station.plant_service import PlantService

SETPOINT = ROW["setpoint"]


class Chain:
    """From the EMS's commands to the device."""

    def __init__(self) -> None:
        clock = Time()
        self.field = Field(clock)
        self.field.healthy()
        self.device = Device()
        self.records = Records(self.device)
        self.pipeline = ControlPipeline(
            site(), self.field.database, self.records, {"engine1": self.device}, clock.clock
        )
        exports = [ExportedPoint(SETPOINT, POINTS[SETPOINT])]
        self.commands = EmsCommands(site(), exports, cast(PlantService, None), self.pipeline)
        clock.pass_s(1)


def setpoint(kw: float) -> Command:
    now = time.monotonic()
    return Command(1, 0, AnalogValue(kw), CommandMode.SBO, Origin.EMS, now, now + 5.0)


async def test_a_select_upstream_is_a_select_downstream_and_an_operate_an_operate() -> None:
    chain = Chain()
    assert await chain.commands.select(setpoint(5500.0)) is CommandStatus.SUCCESS
    assert (len(chain.device.selected), len(chain.device.commands)) == (1, 0)
    assert await chain.commands.operate(setpoint(5500.0)) is CommandStatus.SUCCESS
    assert [command.mode for command in chain.device.commands] == [CommandMode.SBO]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Accepted(), CommandStatus.SUCCESS),
        (Rejected(CommandStatus.HARDWARE_ERROR), CommandStatus.HARDWARE_ERROR),
        (NotSent("not connected"), CommandStatus.DOWNSTREAM_FAIL),
        (Unanswered("silence"), CommandStatus.TIMEOUT),
    ],
)
async def test_the_status_that_comes_back_is_the_field_s(answer: CommandResult, told: CommandStatus) -> None:
    chain = Chain()
    chain.device.answer = answer
    assert await chain.commands.select(setpoint(5500.0)) is told
    assert await chain.commands.operate(setpoint(5500.0)) is told


async def test_what_control_refuses_never_reaches_the_device() -> None:
    chain = Chain()
    assert await chain.commands.select(setpoint(99_000.0)) is not CommandStatus.SUCCESS
    assert await chain.commands.operate(setpoint(99_000.0)) is not CommandStatus.SUCCESS
    assert chain.device.selected == chain.device.commands == []
