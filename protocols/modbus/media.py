"""What a site file says of a medium: framing, addresses, certificates, line settings."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from protocols.modbus.settings_reader import SettingsReader

#: Keys whose texts are paths of files; relative ones count from the site file.
PATH_KEYS = ("certificate", "key", "ca")
ANY_NAME = "*"
PORT, TLS_PORT = 502, 802  # as IANA has them: mbap, mbap-s


class Framing(StrEnum):
    """How requests are framed."""

    TCP = "tcp"  # MBAP header
    RTU_OVER_TCP = "rtu_over_tcp"  # RTU frames with CRC through a serial gateway
    RTU = "rtu"  # RTU frames on a serial line

    @property
    def is_rtu(self) -> bool:
        """True where an answer tells nothing of its question but device and function."""
        return self is not Framing.TCP


class MediumKind(StrEnum):
    """On what frames travel."""

    TCP = "tcp"
    TLS = "tls"
    SERIAL = "serial"


class Parity(StrEnum):
    """Parity of a serial character."""

    NONE = "none"
    EVEN = "even"
    ODD = "odd"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Mutual TLS, as MODBUS/TCP Security asks for: both show a certificate that ``ca`` signed. Files are PEM.

    ``peer_name``: the DNS name or address that the server's certificate must hold; empty for the host that is dialled,
    ``*`` for any that the CA signed. Servers do not ask for names: roles say what a client may do.
    """

    certificate: Path
    key: Path
    ca: Path
    peer_name: str = ""
    minimum: str = "1.2"  # 1.2 | 1.3


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial line. ``far_device``: its other end, where a simulation is to serve it; empty for ``device``."""

    device: str
    baud: int = 19_200
    parity: Parity = Parity.EVEN  # as MODBUS over Serial Line V1.02 has it
    stop_bits: int = 1
    far_device: str = ""

    @property
    def character_s(self) -> float:
        """Seconds that a character takes: start bit, eight bits, parity, stop bits."""
        return (9 + (self.parity is not Parity.NONE) + self.stop_bits) / self.baud

    @property
    def silence_s(self) -> float:
        """Seconds between two frames: 3.5 characters, above 19,200 baud 1.75 ms (Serial Line V1.02, 2.5.1.1)."""
        return 3.5 * self.character_s if self.baud <= 19_200 else 1.75e-3


@dataclass(frozen=True, slots=True)
class Medium:
    """A medium that can be opened. Equal media that can be shared are one medium."""

    host: str
    port: int
    framing: Framing = Framing.TCP
    tls: TlsSettings | None = None
    serial: SerialSettings | None = None
    channel: str = ""
    connect_timeout_s: float = field(default=5.0, compare=False)

    @property
    def is_shared(self) -> bool:
        """True where sessions of several devices take turns: behind RTU there is one line, and a channel's name
        says the same of a gateway."""
        return self.framing.is_rtu or bool(self.channel)

    def __str__(self) -> str:
        return self.serial.device if self.serial else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MediumKeys:
    """The keys of a table that tell its medium."""

    host: str
    port: int
    framing: Framing
    tls: TlsSettings | None
    serial: SerialSettings | None


def read_medium(keys: SettingsReader, default_host: str | None, lowest_port: int) -> MediumKeys:
    """Take the keys of a medium: ``medium``, ``framing``, ``host``, ``port`` and those that the medium has."""
    kind = MediumKind(keys.word("medium", MediumKind.TCP, tuple(MediumKind)))
    if kind is MediumKind.SERIAL:
        return MediumKeys("", 0, Framing.RTU, None, _read_serial(keys))
    framing = Framing(keys.word("framing", Framing.TCP, (Framing.TCP, Framing.RTU_OVER_TCP)))
    if kind is MediumKind.TLS and framing is not Framing.TCP:
        keys.fault("framing", str(framing), "tcp: MODBUS/TCP Security has no other")
    return MediumKeys(
        keys.text("host", "a host name or address", default_host),
        keys.whole("port", TLS_PORT if kind is MediumKind.TLS else PORT, lowest_port, 65_535),
        framing,
        _read_tls(keys) if kind is MediumKind.TLS else None,
        None,
    )


def _read_tls(keys: SettingsReader) -> TlsSettings:
    return TlsSettings(
        certificate=Path(keys.text("certificate", "a PEM file with our certificate")),
        key=Path(keys.text("key", "a PEM file with our key")),
        ca=Path(keys.text("ca", "a PEM file with the certificates of the CA")),
        peer_name=keys.optional_text("peer_name"),
        minimum=keys.word("tls_minimum", "1.2", ("1.2", "1.3")),
    )


def _read_serial(keys: SettingsReader) -> SerialSettings:
    parity = Parity(keys.word("parity", Parity.EVEN, tuple(Parity)))
    return SerialSettings(
        device=keys.text("device", "a serial device, as in /dev/ttyUSB0"),
        baud=keys.whole("baud", 19_200, 50, 4_000_000),
        parity=parity,
        stop_bits=keys.whole("stop_bits", 2 if parity is Parity.NONE else 1, 1, 2),  # eleven bits a character
        far_device=keys.optional_text("far_device"),
    )


def facing_tls(tls: TlsSettings | None) -> TlsSettings | None:
    """What a simulated device shows: our own certificate, which only a test site's sessions accept."""
    return replace(tls, peer_name=ANY_NAME) if tls else None


def facing_serial(serial: SerialSettings | None) -> SerialSettings | None:
    """The other end of a line."""
    if serial is None or not serial.far_device:
        return serial
    return replace(serial, device=serial.far_device, far_device=serial.device)
