"""Where clients come in: a port (with TLS if wanted) or a serial line, with the units that are served behind it.

pymodbus' own server loses requests that arrive together and cannot await a handler before it answers; its framers
are used here on plain asyncio streams.
"""

import asyncio
import socket
import ssl
import time
from collections import Counter
from typing import Protocol

import structlog
from pymodbus.framer import FramerBase

from protocols.modbus.certificates import role_of, server_context
from protocols.modbus.line import FRAMER_FAULTS, framer_of
from protocols.modbus.media import Framing, Medium
from protocols.modbus.replies import GATEWAY_NO_RESPONSE
from protocols.modbus.serial_line import open_serial
from protocols.modbus.serving import Answer, refusal

log = structlog.get_logger()

#: No frame is longer (MODBUS Messaging on TCP/IP V1.0b, 4.2); what stays undecoded beyond it is garbage.
LONGEST_FRAME = 260
_HANDSHAKE_S = 5.0
_REOPEN_S = 1.0
#: A serial frame that is so long incomplete never becomes one. Generous: systems hand octets over in bursts.
_BROKEN_OFF_S = 0.2


class Unit(Protocol):
    """One device id's server."""

    name: str
    statistics: Counter[str]

    async def execute(self, pdu: bytes, role: str) -> Answer:
        """Answer a request of a client with that role. Never raises."""


class Door:
    """A listener, or a line. Counts that belong to no unit go to all of them."""

    def __init__(self, medium: Medium, maximum_connections: int) -> None:
        self._medium = medium
        self._maximum_connections = maximum_connections
        self.units: dict[int, Unit] = {}
        self.opening = asyncio.Lock()
        self.is_open = False
        self._listener: asyncio.Server | None = None
        self._context: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it is bound to; 0 while not bound, and of a serial line."""
        if self._listener is None or not self._listener.sockets:
            return 0
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._tasks)

    async def start(self) -> None:
        """Bind and listen, or open the line.

        Raises:
            OSError: the address is taken or not ours, a certificate cannot be used, there is no such line.
        """
        if self._medium.serial is not None:
            streams = self._open_serial()
            task = asyncio.get_running_loop().create_task(self._serve_serial(*streams))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        if self._medium.tls is not None:
            self._context = server_context(self._medium.tls)
        self._listener = await asyncio.start_server(self._on_connection, self._medium.host, self._medium.port)

    async def stop(self) -> None:
        """Close every connection and the listener."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _count(self, name: str) -> None:
        for unit in self.units.values():
            unit.statistics[name] += 1

    # --- connections

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a callback of start_server is a task
        if len(self._tasks) >= self._maximum_connections:
            self._count("connections_refused")
            writer.close()
            return
        self._tasks.add(task)
        self._count("connections_opened")
        _keep_alive(writer)
        try:
            role = await self._greet(writer)
            await self._converse(reader, writer, role)
            writer.close()
        except FRAMER_FAULTS as fault:
            self._count("frames_malformed")
            log.warning("modbus_frame_malformed", medium=str(self._medium), fault=str(fault))
            writer.transport.abort()
        except (OSError, asyncio.CancelledError) as ended:
            log.debug("modbus_connection_ended", medium=str(self._medium), reason=repr(ended))
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _greet(self, writer: asyncio.StreamWriter) -> str:
        """The handshake, if there is one: the client's role.

        Raises:
            OSError: no certificate that is good, or no handshake in time.
        """
        if self._context is None:
            return ""
        try:
            await writer.start_tls(self._context, ssl_handshake_timeout=_HANDSHAKE_S)
        except (OSError, ValueError) as fault:
            self._count("tls_handshakes_failed")
            log.warning("modbus_tls_handshake_failed", medium=str(self._medium), reason=str(fault))
            raise ConnectionError(str(fault)) from fault
        connection = writer.get_extra_info("ssl_object")
        return role_of(connection.getpeercert(binary_form=True) or b"")

    async def _serve_serial(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await self._converse_serial(reader, writer)
                writer.close()
                await asyncio.sleep(_REOPEN_S)
                try:
                    reader, writer = self._open_serial()
                except OSError as fault:
                    log.warning("modbus_line_not_opened", medium=str(self._medium), reason=str(fault))
        finally:
            writer.close()

    async def _converse_serial(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer, "")
        except (OSError, *FRAMER_FAULTS) as fault:
            self._count("frames_malformed")
            log.warning("modbus_line_ended", medium=str(self._medium), reason=str(fault))

    def _open_serial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert self._medium.serial is not None  # a medium of this kind has it
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        return reader, asyncio.StreamWriter(open_serial(self._medium.serial, protocol), protocol, reader, loop)

    # --- frames

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, role: str) -> None:
        framer = framer_of(self._medium.framing, is_server=True)
        pending = b""
        came = time.monotonic()
        while data := await reader.read(4096):
            if pending and self._medium.serial is not None and time.monotonic() - came > _BROKEN_OFF_S:
                self._count("frames_malformed")
                pending = b""
            came = time.monotonic()
            pending += data
            while pending:
                used, device_id, transaction, pdu = framer.decode(pending)
                if not used:
                    break
                pending = pending[used:]
                await self._answer(framer, writer, device_id, transaction, pdu, role)
            if len(pending) > LONGEST_FRAME or self._is_not_modbus(pending):
                self._count("frames_malformed")
                if self._medium.serial is None:
                    return
                pending = b""

    def _is_not_modbus(self, pending: bytes) -> bool:
        return self._medium.framing is Framing.TCP and pending[2:4].strip(b"\0") != b""

    async def _answer(
        self,
        framer: FramerBase,
        writer: asyncio.StreamWriter,
        device_id: int,
        transaction: int,
        pdu: bytes,
        role: str,
    ) -> None:
        if not pdu:
            self._count("frames_malformed")
            return
        unit = self._unit(device_id)
        if unit is not None:
            unit.statistics["requests_received"] += 1
            answer = await unit.execute(pdu, role)
            unit.statistics["exceptions_sent"] += answer.is_refusal
        else:
            self._count("requests_received")
            if self._medium.framing is not Framing.TCP:
                self._count("requests_for_others")  # on a line, and broadcasts: nobody answers
                return
            self._count("exceptions_sent")
            answer = refusal(pdu[0], GATEWAY_NO_RESPONSE)
        writer.write(framer.encode(answer.pdu, device_id, transaction))
        await writer.drain()

    def _unit(self, device_id: int) -> Unit | None:
        unit = self.units.get(device_id)
        if unit is None and self._medium.framing is Framing.TCP and device_id in (0, 255) and len(self.units) == 1:
            return next(iter(self.units.values()))  # on TCP these mean: whoever is there
        return unit


#: Doors that units may share, by loop and medium.
_DOORS: dict[tuple[asyncio.AbstractEventLoop, Medium], Door] = {}


async def enter(unit: Unit, device_id: int, medium: Medium, maximum_connections: int) -> Door:
    """Serve a unit behind the door of a medium, opened if it is not yet open.

    Raises:
        OSError: see `Door.start`; or the device id is served there already.
    """
    key = (asyncio.get_running_loop(), medium)
    door = _DOORS.get(key) if medium.port or medium.serial is not None else None
    if door is not None and device_id in door.units:
        raise OSError(f"{medium}: device id {device_id} is served already")
    if door is None:
        door = Door(medium, maximum_connections)
        if medium.port or medium.serial is not None:
            _DOORS[key] = door
    door.units[device_id] = unit
    try:
        async with door.opening:  # who comes while another opens it waits, and opens it itself if that failed
            if not door.is_open:
                await door.start()
                door.is_open = True
    except BaseException:
        await leave(door, device_id)
        raise
    return door


async def leave(door: Door, device_id: int) -> None:
    """Serve a unit no more; the last one closes the door."""
    door.units.pop(device_id, None)
    if not door.units:
        for key in [key for key, one in _DOORS.items() if one is door]:
            del _DOORS[key]
        await door.stop()


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Have the system find peers that went away without a word."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
