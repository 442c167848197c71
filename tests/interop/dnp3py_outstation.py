"""dnp3py's outstation in our own process, with handlers that remember."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from dnp3.core.flags import AnalogQuality, BinaryQuality, CounterQuality
from dnp3.database import AnalogInputConfig, BinaryInputConfig, CounterConfig, Database, EventClass
from dnp3.outstation import DefaultCommandHandler, Outstation, OutstationConfig, OutstationTcpRunner
from dnp3.outstation.handler import CommandResult

from tests.interop.peer_processes import free_port, until

ANALOGS, BINARIES = 10, 10


class Handler(DefaultCommandHandler):
    """Obeys, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, float]] = []
        self.freezes: list[bool] = []
        self.restarts: list[str] = []
        self.database: Database | None = None

    def select_binary_output(self, index: int, *_: Any, **__: Any) -> CommandResult:
        return self._took("select", index, 1.0)

    def operate_binary_output(self, index: int, *_: Any, **__: Any) -> CommandResult:
        return self._took("operate", index, 1.0)

    def direct_operate_binary_output(self, index: int, *_: Any, **__: Any) -> CommandResult:
        return self._took("direct", index, 1.0)

    def select_analog_output(self, index: int, value: float, *_: Any, **__: Any) -> CommandResult:
        return self._took("select", index, value)

    def operate_analog_output(self, index: int, value: float, *_: Any, **__: Any) -> CommandResult:
        return self._took("operate", index, value)

    def direct_operate_analog_output(self, index: int, value: float, *_: Any, **__: Any) -> CommandResult:
        return self._took("direct", index, value)

    def cold_restart(self) -> int | None:
        self.restarts.append("cold")
        return 7000

    def warm_restart(self) -> int | None:
        self.restarts.append("warm")
        return 250

    def freeze_counters(self, start: int, stop: int, clear: bool) -> CommandResult:
        self.freezes.append(clear)
        assert self.database is not None
        self.database.freeze_counter(0)
        if clear:
            self.database.update_counter(0, 0)
        return CommandResult.success()

    def _took(self, what: str, index: int, value: float) -> CommandResult:
        self.told.append((what, index, value))
        return CommandResult.success()


@dataclass
class Peer:
    """It, running."""

    outstation: Outstation
    handler: Handler
    port: int
    times_ms: list[int] = field(default_factory=list)

    def analog(self, index: int, value: float) -> None:
        """A change, which makes an event of class 1."""
        self.outstation.database.update_analog_input(index, value, AnalogQuality.ONLINE)


def database() -> Database:
    made = Database()
    for index in range(ANALOGS):
        config = AnalogInputConfig(event_class=EventClass.CLASS_1)
        made.add_analog_input(index, config, float(index), AnalogQuality.ONLINE)
    for index in range(BINARIES):
        made.add_binary_input(
            index, BinaryInputConfig(event_class=EventClass.CLASS_2), index % 2 == 1, BinaryQuality.ONLINE
        )
    for index in (3, 5):
        made.add_binary_output(index)
        made.add_analog_output(index)
    made.add_counter(0, CounterConfig(event_class=EventClass.CLASS_3), 77, CounterQuality.ONLINE)
    made.add_frozen_counter(0)
    return made


@contextlib.asynccontextmanager
async def dnp3py_outstation() -> AsyncIterator[Peer]:
    """Listening on a port of loopback."""
    handler, port = Handler(), free_port()
    handler.database = database()
    times: list[int] = []
    outstation = Outstation(
        OutstationConfig(address=10, master_address=1, confirm_timeout=1.0),
        handler.database,
        handler,
        lambda stamp: times.append(int(stamp.milliseconds)),
    )
    runner = OutstationTcpRunner(outstation, "127.0.0.1", port)
    running = asyncio.ensure_future(runner.run())
    try:
        await until(lambda: runner.is_running, "the outstation listens")
        yield Peer(outstation, handler, port, times)
    finally:
        await runner.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
