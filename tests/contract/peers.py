"""Peers that misbehave: a sink that accepts and never answers, one that talks nonsense, and a wire that can break."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from tests.contract.recorders import Waiting

_Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def _serving(serve: _Serve) -> AsyncIterator[int]:
    tasks: set[asyncio.Task[None]] = set()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.transport.abort()
        tasks.discard(task)

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def sink() -> AsyncIterator[int]:
    """The port of a peer that takes everything and says nothing."""

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    async with _serving(serve) as port:
        yield port


@contextlib.asynccontextmanager
async def babbler(noise: bytes) -> AsyncIterator[int]:
    """The port of a peer that answers whatever it is told with the same octets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(noise)
            await writer.drain()

    async with _serving(serve) as port:
        yield port


class Wire(Waiting):
    """A relay to a device. Frozen, it takes what comes and forwards nothing; it can be cut."""

    def __init__(self, device_port: int) -> None:
        super().__init__()
        self.port = 0
        self.open = 0  # connections from the session's side
        self.opened = 0  # ever
        self._device_port = device_port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()

    def freeze(self) -> None:
        """Both sides stay connected and hear nothing any more."""
        self._flowing.clear()

    def thaw(self) -> None:
        """What was held back flows on."""
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    @contextlib.asynccontextmanager
    async def laid(self) -> AsyncIterator["Wire"]:
        """The wire, with its port."""
        async with _serving(self._relay) as port:
            self.port = port
            yield self

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        device_reader, device_writer = await asyncio.open_connection("127.0.0.1", self._device_port)
        ends = {writer, device_writer}
        self._writers |= ends
        self.open += 1
        self.opened += 1
        self.changed()
        ways = [
            asyncio.ensure_future(self._pump(reader, device_writer)),
            asyncio.ensure_future(self._pump(device_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in ends:
                end.transport.abort()
            self._writers -= ends
            self.open -= 1
            self.changed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
