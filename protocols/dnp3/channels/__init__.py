"""The media on which octets travel: TCP, TLS, serial lines and UDP, each in either role.

`connect` opens one channel and is what a station that asks (a master) uses. `serve` brings channels to a station that
waits to be asked (an outstation): in the role of a server it listens, in that of a client (and on a serial line) it
dials, and dials again with backoff whenever the channel is lost. A `Channel` reads and writes octets and knows its
`peer`; both directions are bounded. What the media have to say of themselves is counted in the `Counter`
they are given.

Settings: `read_transport` takes the keys ``medium``, ``role`` … out of a site file's table into a `Transport`;
with host and port it is a `Medium`. Masters whose media may be shared take their channels from `lines`.
"""

from protocols.dnp3.channels.channel import READ_HIGH_WATER, WRITE_LIMIT, Channel, ChannelClosed, Listener
from protocols.dnp3.channels.medium import (
    PATH_KEYS,
    TCP_CLIENT,
    TCP_SERVER,
    Medium,
    MediumKind,
    MediumRole,
    SerialSettings,
    TlsSettings,
    Transport,
    facing,
    read_transport,
)
from protocols.dnp3.channels.opening import connect, listen, serve

__all__ = [
    "PATH_KEYS",
    "READ_HIGH_WATER",
    "TCP_CLIENT",
    "TCP_SERVER",
    "WRITE_LIMIT",
    "Channel",
    "ChannelClosed",
    "Listener",
    "Medium",
    "MediumKind",
    "MediumRole",
    "SerialSettings",
    "TlsSettings",
    "Transport",
    "connect",
    "facing",
    "listen",
    "read_transport",
    "serve",
]
