"""The pipeline between a real database, a session that keeps what it gets and a journal that can fail."""

import asyncio

from tests.unit.control.build import Device, Field, Records, Time, site
from vppscada.control.gate import Refused
from vppscada.control.pipeline import ControlLimits, ControlPipeline
from vppscada.model.commands import CommandResult, Origin


class Station:
    """A pipeline and all it stands between."""

    def __init__(self) -> None:
        self.time = Time()
        self.field = Field(self.time)
        self.field.healthy()
        self.device = Device()
        self.journal = Records(self.device)
        self.pipeline = ControlPipeline(
            site(), self.field.database, self.journal, {"engine1": self.device}, self.time.clock, ControlLimits()
        )
        self.end = self.field.database.subscribe(self.pipeline.observe)
        self.time.pass_s(1)

    async def command(
        self, row: int, value: float, origin: Origin = Origin.SCHEDULER, lifetime_s: float = 5.0
    ) -> CommandResult | Refused:
        return await self.pipeline.command(row, value, origin, "test", lifetime_s)

    async def until_sent(self, count: int) -> None:
        for _ in range(100):
            if len(self.device.commands) == count:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{len(self.device.commands)} commands were sent, not {count}")
