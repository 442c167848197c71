"""A gateway: one port, and behind it a line on which several outstations hear everything that is said."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from protocols.dnp3.application import Function
from protocols.dnp3.link import Frame, FrameParser, build_frame


class Gateway:
    """Passes octets between whoever connects and the outstations at some ports; it can be cut and frozen."""

    def __init__(self, *ports: int) -> None:
        self.ports = ports
        self.port = 0
        self.connections = 0  # ever
        self.open = 0
        self._unused = asyncio.Event()
        self._arrivals: asyncio.Queue[None] = asyncio.Queue()
        self.heard: list[Frame] = []  # from the masters' side
        self.loses_confirms = False
        self.lost_confirms = 0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Gateway"]:
        """The gateway, with its port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def until_connected(self) -> None:
        """Return once for each connection."""
        async with asyncio.timeout(10.0):
            await self._arrivals.get()

    async def until_unused(self) -> None:
        """Return when no connection is open."""
        async with asyncio.timeout(10.0):
            await self._unused.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self._arrivals.put_nowait(None)
        self._unused.clear()
        outstations = [await asyncio.open_connection("127.0.0.1", port) for port in self.ports]
        writers = [one for _, one in outstations]
        self._writers |= {writer, *writers}
        parser = FrameParser(Counter())
        ways = [asyncio.ensure_future(self._pump(reader, writers, parser))]
        ways += [asyncio.ensure_future(self._pump(source, [writer], None)) for source, _ in outstations]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, *writers):
                end.transport.abort()
            self._writers -= {writer, *writers}
            self._tasks.discard(task)
            self.open -= 1
            if not self.open:
                self._unused.set()

    async def _pump(
        self, reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter], parser: FrameParser | None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self.flowing.wait()
                if parser is not None:
                    data = b"".join(build_frame(*frame) for frame in parser.feed(data) if self._passes(frame))
                for writer in writers:
                    writer.write(data)

    def _passes(self, frame: Frame) -> bool:
        self.heard.append(frame)
        lost = self.loses_confirms and frame.data[2:3] == bytes([Function.CONFIRM])
        self.lost_confirms += lost
        return not lost
