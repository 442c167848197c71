"""An OPC UA device for tests: its points, its handler, a listener that remembers, and certificates."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from asyncua.crypto.cert_gen import setup_self_signed_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

from protocols.opcua.config import OpcUaAddress
from protocols.opcua.data_types import DATA_TYPES
from vppscada.model.batch import Batch
from vppscada.model.commands import Command, CommandStatus, Pulse, PulseStyle
from vppscada.model.points import Point, PointKind, RowPoint

URI = "urn:device"
POWER, STATE, NAME, SETPOINT, SHOWN, START, RESET = range(7)
PATIENCE_S = 20.0


def point(name: str, kind: PointKind, word: str, uri: str = URI, pulse: Pulse | None = None, node: str = "") -> Point:
    return Point(
        f"dev.{name}",
        kind,
        description=f"The {name}",
        pulse=pulse or Pulse(),
        writable=kind.is_output,
        address=OpcUaAddress(uri, node or name, DATA_TYPES[word]),
    )


POINTS = (
    point("power", PointKind.ANALOG_INPUT, "float"),
    point("state", PointKind.BINARY_INPUT, "boolean"),
    point("name", PointKind.STRING, "string"),
    point("setpoint", PointKind.ANALOG_OUTPUT, "float", node="sp"),
    point("shown", PointKind.ANALOG_INPUT, "float", node="sp"),
    point("start", PointKind.BINARY_OUTPUT, "boolean"),
    point("reset", PointKind.BINARY_OUTPUT, "boolean", pulse=Pulse(PulseStyle.PULSE, on_ms=50)),
)
ROWS = tuple(RowPoint(row, each) for row, each in enumerate(POINTS))


@dataclass
class Listener:
    """Remembers; `until` waits for a condition."""

    started: bool = False
    batches: list[Batch] = field(default_factory=list)
    value: dict[int, float] = field(default_factory=dict)
    quality: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def on_connected(self) -> None:
        self._changed.set()

    def on_started(self) -> None:
        self.started = True
        self._changed.set()

    def on_batch(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.value.update(zip(batch.rows.tolist(), batch.value.tolist(), strict=True))
        self.quality.update(zip(batch.rows.tolist(), batch.quality.tolist(), strict=True))
        self.texts.update(batch.texts)
        self._changed.set()

    async def settled(self) -> None:
        return

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@dataclass
class Handler:
    """Remembers commands and answers as told, after a while if told so."""

    answer: CommandStatus = CommandStatus.SUCCESS
    delay_s: float = 0.0
    operated: list[Command] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def select(self, command: Command) -> CommandStatus:
        return self.answer

    async def operate(self, command: Command) -> CommandStatus:
        await asyncio.sleep(self.delay_s)
        self.operated.append(command)
        self.called.set()
        return self.answer


async def make_certificate(folder: Path, name: str, uri: str) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    certificate, key = folder / f"{name}.der", folder / f"{name}.pem"
    usage = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    await setup_self_signed_certificate(key, certificate, uri, socket.gethostname(), usage, {"commonName": name})
    return certificate, key
