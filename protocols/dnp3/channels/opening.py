"""Opening a medium of any kind, in either role."""

from collections import Counter
from collections.abc import Callable

from protocols.dnp3.channels.channel import Channel, Listener
from protocols.dnp3.channels.dialler import Dialler
from protocols.dnp3.channels.medium import Medium, MediumKind, MediumRole
from protocols.dnp3.channels.tcp import connect_tcp, listen_tcp
from protocols.dnp3.channels.tls import connect_tls, listen_tls
from protocols.dnp3.channels.udp import connect_udp, listen_udp
from protocols.dnp3.trace import record


async def connect(medium: Medium, statistics: Counter[str]) -> Channel:
    """Open a channel, as a client (or on a serial line) whatever the medium's role.

    Raises:
        ConnectionError: it could not be opened within ``connect_timeout_s``; the message says why.
    """
    channel = await _connect(medium, statistics)
    _record(channel, medium)
    return channel


def _record(channel: Channel, medium: Medium) -> None:
    trace, kind = medium.transport.trace, medium.transport.kind
    if trace is not None:
        we_serve = medium.transport.role is MediumRole.SERVER
        record(channel, trace, medium.trace_name, str(medium), we_serve=we_serve, datagrams=kind is MediumKind.UDP)


async def _connect(medium: Medium, statistics: Counter[str]) -> Channel:
    match medium.transport.kind:
        case MediumKind.TCP:
            return await connect_tcp(medium.host, medium.port, medium.connect_timeout_s, statistics)
        case MediumKind.TLS:
            return await connect_tls(medium, statistics)
        case MediumKind.UDP:
            return await connect_udp(medium, statistics)
        case MediumKind.SERIAL:
            from protocols.dnp3.channels.serial import open_serial  # pyserial is an extra

            return await open_serial(medium, statistics)


async def listen(medium: Medium, on_channel: Callable[[Channel], None], statistics: Counter[str]) -> Listener:
    """Bind as a server and call ``on_channel`` with every channel that comes.

    Raises:
        OSError: the address is taken or not ours, or a certificate cannot be used.
        ValueError: a serial line, where nobody comes.
    """
    if medium.transport.trace is None:
        return await _listen(medium, on_channel, statistics)

    def recorded(channel: Channel) -> None:
        _record(channel, medium)
        on_channel(channel)

    return await _listen(medium, recorded, statistics)


async def _listen(medium: Medium, on_channel: Callable[[Channel], None], statistics: Counter[str]) -> Listener:
    match medium.transport.kind:
        case MediumKind.TCP:
            return await listen_tcp(medium.host, medium.port, on_channel, statistics)
        case MediumKind.TLS:
            return await listen_tls(medium, on_channel, statistics)
        case MediumKind.UDP:
            return await listen_udp(medium, on_channel, statistics)
        case MediumKind.SERIAL:
            raise ValueError("nobody comes on a serial line: it is opened")


async def serve(medium: Medium, on_channel: Callable[[Channel], None], statistics: Counter[str]) -> Listener:
    """Bring channels until closed: listen, or dial, as the medium's role says. A serial line is kept open.

    Raises:
        OSError: as `listen`. A dialler's first failure is no error: it is logged, and tried again.
    """
    if medium.transport.role is MediumRole.SERVER and medium.transport.kind is not MediumKind.SERIAL:
        return await listen(medium, on_channel, statistics)
    return Dialler(medium, connect, on_channel, statistics)
