"""Two ends of each medium on this machine."""

import asyncio
import contextlib
import os
import tty
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from protocols.dnp3.channels import (
    Channel,
    Medium,
    MediumKind,
    MediumRole,
    SerialSettings,
    Transport,
    connect,
    listen,
)
from protocols.dnp3.link import DIR, PRM, Primary, build_frame
from tests.unit.protocols.dnp3.channels.authority import Authority

PATIENCE_S = 10.0
KINDS = tuple(MediumKind)
#: A frame: what a UDP server wants to see first.
FRAME = build_frame(DIR | PRM | Primary.UNCONFIRMED_USER_DATA, 10, 1, bytes(100))


@dataclass
class Ends:
    """A channel as its two sides see it."""

    client: Channel
    server: Channel
    client_statistics: Counter[str] = field(default_factory=Counter)
    server_statistics: Counter[str] = field(default_factory=Counter)


@contextmanager
def null_modem() -> Iterator[tuple[str, str]]:
    """The device names of two ends of a line. What one end writes the other reads."""
    inner, names = [], []
    for _ in range(2):
        ours, device = os.openpty()
        tty.setraw(device)
        names.append(os.ttyname(device))
        os.close(device)
        os.set_blocking(ours, False)
        inner.append(ours)
    loop = asyncio.get_event_loop()

    def pump(source: int, sink: int) -> None:
        with contextlib.suppress(OSError):  # EIO while nobody has the far end open
            os.write(sink, os.read(source, 4096))

    for source, sink in (inner, inner[::-1]):
        loop.add_reader(source, pump, source, sink)
    try:
        yield names[0], names[1]
    finally:
        for ours in inner:
            loop.remove_reader(ours)
            os.close(ours)


def media(kind: MediumKind, folder: Path, port: int = 0, devices: tuple[str, str] = ("", "")) -> tuple[Medium, Medium]:
    """Settings of a client and of a server that are to find each other."""
    client, server = Transport(kind), Transport(kind, MediumRole.SERVER)
    if kind is MediumKind.TLS:
        authority = Authority(folder)
        client = replace(client, tls=authority.settings("master"))
        server = replace(server, tls=authority.settings("outstation", "127.0.0.1"))
    if kind is MediumKind.SERIAL:
        client = replace(client, serial=SerialSettings(devices[0]))
        server = replace(server, serial=SerialSettings(devices[1]))
    return Medium(client, "127.0.0.1", port), Medium(server, "127.0.0.1", port)


@asynccontextmanager
async def joined(kind: MediumKind, folder: Path) -> AsyncIterator[Ends]:
    """A client's channel and the server's end of it."""
    async with contextlib.AsyncExitStack() as stack:
        if kind is MediumKind.SERIAL:
            ends = await _joined_serial(stack, folder)
        else:
            ends = await _joined_network(stack, kind, folder)
        stack.push_async_callback(ends.client.close)
        stack.push_async_callback(ends.server.close)
        yield ends


async def _joined_serial(stack: contextlib.AsyncExitStack, folder: Path) -> Ends:
    devices = stack.enter_context(null_modem())
    statistics: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    near, far = media(MediumKind.SERIAL, folder, 0, devices)
    return Ends(await connect(near, statistics[0]), await connect(far, statistics[1]), *statistics)


async def _joined_network(stack: contextlib.AsyncExitStack, kind: MediumKind, folder: Path) -> Ends:
    statistics: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    accepted: asyncio.Queue[Channel] = asyncio.Queue()
    client_medium, server_medium = media(kind, folder)
    listener = await listen(server_medium, accepted.put_nowait, statistics[1])
    stack.push_async_callback(listener.close)
    client = await connect(replace(client_medium, port=listener.port), statistics[0])
    if kind is MediumKind.UDP:
        client.write(FRAME)
    async with asyncio.timeout(PATIENCE_S):
        server = await accepted.get()
        if kind is MediumKind.UDP:
            await server.read()
    return Ends(client, server, *statistics)
