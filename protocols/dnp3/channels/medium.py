"""What a site file says of a medium: kind, role, addresses, certificates, line settings."""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from protocols.dnp3.settings import SettingsReader
from protocols.dnp3.trace import TraceSettings

#: Keys whose texts are paths of files; relative ones count from the site file.
PATH_KEYS = ("certificate", "key", "ca", "trace")
ANY_NAME = "*"


class MediumKind(StrEnum):
    """On what octets travel."""

    TCP = "tcp"
    TLS = "tls"
    SERIAL = "serial"
    UDP = "udp"


class MediumRole(StrEnum):
    """Who opens: either role of DNP3 may be either. A serial line has no roles."""

    CLIENT = "client"
    SERVER = "server"


class Parity(StrEnum):
    """Parity of a serial character."""

    NONE = "none"
    EVEN = "even"
    ODD = "odd"


class FlowControl(StrEnum):
    """Flow control of a serial line."""

    NONE = "none"
    RTS_CTS = "rts_cts"
    XON_XOFF = "xon_xoff"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Mutual TLS: both sides show a certificate that ``ca`` signed. Files are PEM.

    ``peer_name``: a DNS name or address that the peer's certificate must hold, ``*`` for any that the CA signed;
    empty, a client takes the host that it dials, and a server takes any.
    ``peer_fingerprint``: SHA-256 of the peer's certificate in 64 hexadecimal digits; empty for any.
    """

    certificate: Path
    key: Path
    ca: Path
    peer_name: str = ""
    peer_fingerprint: str = ""
    minimum: str = "1.2"  # 1.2 | 1.3


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial line. ``far_device``: its other end, where a simulation is to serve it; empty for ``device``."""

    device: str
    baud: int = 9600
    data_bits: int = 8
    parity: Parity = Parity.NONE
    stop_bits: int = 1
    flow_control: FlowControl = FlowControl.NONE
    far_device: str = ""


@dataclass(frozen=True, slots=True)
class Transport:
    """A medium less its addresses. ``channel`` names it: media with different names are never shared."""

    kind: MediumKind = MediumKind.TCP
    role: MediumRole = MediumRole.CLIENT
    tls: TlsSettings | None = None
    serial: SerialSettings | None = None
    local_port: int = 0  # UDP client: the port it sends from; 0 lets the system choose
    peer_host: str = ""  # UDP server: the only address that is listened to; empty for any
    channel: str = ""
    #: What travels is recorded there; who shares a line shares the trace of whoever opens it.
    trace: TraceSettings | None = field(default=None, compare=False)


TCP_CLIENT = Transport()
TCP_SERVER = Transport(role=MediumRole.SERVER)


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium that can be opened. Equal media are one medium.

    ``host`` and ``port``: where a client finds the server; where a server listens (port 0: any free one).
    """

    transport: Transport
    host: str = ""
    port: int = 0
    connect_timeout_s: float = field(default=5.0, compare=False)

    def __str__(self) -> str:
        """As log lines name it."""
        serial = self.transport.serial
        where = f"{self.host}:{self.port}" if serial is None else serial.device
        return f"{self.transport.kind} {where}"

    @property
    def trace_name(self) -> str:
        """What the files of its trace are called after: its channel's name if it has one."""
        return self.transport.channel or str(self)


def facing(transport: Transport) -> Transport:
    """The transport of a peer that stands at the other end, for simulations.

    With TLS it shows our own certificate and takes any that our CA signed, which only a test site's sessions accept.
    """
    other = MediumRole.CLIENT if transport.role is MediumRole.SERVER else MediumRole.SERVER
    tls, serial = transport.tls, transport.serial
    if tls is not None:
        tls = replace(tls, peer_name=ANY_NAME, peer_fingerprint="")
    if serial is not None and serial.far_device:
        serial = replace(serial, device=serial.far_device, far_device=serial.device)
    return replace(transport, role=other, tls=tls, serial=serial, local_port=0, peer_host="", trace=None)


def read_transport(read: SettingsReader, default_role: MediumRole) -> Transport:
    """Take the keys of a transport: ``medium``, ``role``, ``channel``, ``trace`` … and those that the medium has."""
    return replace(_read_medium(read, default_role), trace=_read_trace(read))


def _read_trace(read: SettingsReader) -> TraceSettings | None:
    """``trace``: a folder; ``trace_files`` files of ``trace_file_mb`` megabytes are kept of each medium."""
    folder = read.optional_text("trace")
    files, file_mb = read.integer("trace_files", 8, 2, 10_000), read.integer("trace_file_mb", 16, 1, 4096)
    return TraceSettings(Path(folder), files, file_mb) if folder else None


def _read_medium(read: SettingsReader, default_role: MediumRole) -> Transport:
    kind = MediumKind(read.choice("medium", MediumKind.TCP, tuple(MediumKind)))
    channel = read.optional_text("channel")
    if kind is MediumKind.SERIAL:
        return Transport(kind, default_role, serial=_read_serial(read), channel=channel)
    role = MediumRole(read.choice("role", default_role, tuple(MediumRole)))
    if kind is MediumKind.TLS:
        return Transport(kind, role, tls=_read_tls(read), channel=channel)
    if kind is MediumKind.UDP and role is MediumRole.CLIENT:
        return Transport(kind, role, local_port=read.integer("local_port", 0, 0, 65535), channel=channel)
    if kind is MediumKind.UDP:
        return Transport(kind, role, peer_host=read.optional_text("peer_host"), channel=channel)
    return Transport(kind, role, channel=channel)


def _read_tls(read: SettingsReader) -> TlsSettings:
    fingerprint = re.sub("[: ]", "", read.optional_text("peer_fingerprint")).lower()
    if fingerprint and not re.fullmatch("[0-9a-f]{64}", fingerprint):
        read.fault("peer_fingerprint", repr(fingerprint), "SHA-256 of a certificate in 64 hexadecimal digits")
    return TlsSettings(
        certificate=Path(read.text("certificate", None)),
        key=Path(read.text("key", None)),
        ca=Path(read.text("ca", None)),
        peer_name=read.optional_text("peer_name"),
        peer_fingerprint=fingerprint,
        minimum=read.choice("tls_minimum", "1.2", ("1.2", "1.3")),
    )


def _read_serial(read: SettingsReader) -> SerialSettings:
    stop_bits = read.integer("stop_bits", 1, 1, 2)
    return SerialSettings(
        device=read.text("device", None),
        baud=read.integer("baud", 9600, 50, 4_000_000),
        data_bits=read.integer("data_bits", 8, 7, 8),
        parity=Parity(read.choice("parity", Parity.NONE, tuple(Parity))),
        stop_bits=stop_bits,
        flow_control=FlowControl(read.choice("flow_control", FlowControl.NONE, tuple(FlowControl))),
        far_device=read.optional_text("far_device"),
    )
