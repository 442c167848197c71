"""Settings of OPC UA sessions and outstations, read from the tables of a site file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from vppscada.model.errors import SettingFault, SettingFaults

DEFAULT_PORT = 4840
T = TypeVar("T", bound=StrEnum)


class Security(StrEnum):
    """Security policies; the deprecated ones are not offered."""

    NONE = "none"
    BASIC256SHA256 = "Basic256Sha256"
    AES128 = "Aes128Sha256RsaOaep"
    AES256 = "Aes256Sha256RsaPss"


class SecurityMode(StrEnum):
    """What a security policy does to messages."""

    SIGN = "sign"
    SIGN_AND_ENCRYPT = "sign_and_encrypt"


@dataclass(frozen=True, slots=True)
class OpcUaSessionSettings:
    """One server. With security on, only the server whose certificate is given, or in ``trust``, is talked to."""

    host: str
    port: int = DEFAULT_PORT
    path: str = ""  # of the endpoint's URL, with its leading slash
    security: Security = Security.NONE
    security_mode: SecurityMode = SecurityMode.SIGN_AND_ENCRYPT
    certificate: Path | None = None  # ours
    private_key: Path | None = None
    server_certificate: Path | None = None  # the one that is trusted
    trust: Path | None = None  # or a trust folder, see `protocols.opcua.trust`
    application_uri: str = "urn:vppscada:station"  # as in our certificate
    username: str = ""
    password_file: Path | None = None
    publishing_interval_ms: float = 500.0
    sampling_interval_ms: float = -1.0  # −1: the publishing interval
    queue_size: int = 10  # values a server keeps of a point between two publications
    timeout_s: float = 4.0  # of one request, and of a silent connection
    session_timeout_s: float = 60.0
    keepalive_count: int = 10  # publishing intervals without a change until the server must say that it lives
    resync_s: float = 300.0  # between two reads of all values; 0 = only at the start

    @property
    def url(self) -> str:
        """URL of the endpoint."""
        return f"opc.tcp://{_bracketed(self.host)}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class OpcUaOutstationSettings:
    """A server. Port 0 lets the system choose. With security on, only clients that are listed or trusted may come."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    path: str = ""
    application_uri: str = "urn:vppscada:outstation"
    security: Security = Security.NONE
    security_mode: SecurityMode = SecurityMode.SIGN_AND_ENCRYPT
    certificate: Path | None = None
    private_key: Path | None = None
    client_certificates: tuple[Path, ...] = ()
    trust: Path | None = None  # a trust folder instead
    maximum_connections: int = 32
    command_timeout_s: float = 3.0  # from a write to its expiry; until then its connection hears nothing else

    @property
    def url(self) -> str:
        """URL of the endpoint."""
        return f"opc.tcp://{_bracketed(self.host)}:{self.port}{self.path}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


class _Settings:
    """The keys of one table and the faults found in them so far."""

    def __init__(self, table: Mapping[str, object]) -> None:
        self._table = dict(table)
        self.faults: list[SettingFault] = []

    def fault(self, key: str, found: object, expected: str) -> None:
        self.faults.append(SettingFault(key, "nothing" if found is None else repr(found), expected))

    def has(self, key: str) -> bool:
        return key in self._table

    def text(self, key: str, default: str | None, expected: str = "a text") -> str:
        value = self._table.pop(key, default)
        if isinstance(value, str) and (value.strip() or default == ""):
            return value.strip()
        self.fault(key, value, expected)
        return default or ""

    def number(self, key: str, default: float, lowest: float, highest: float) -> float:
        value = self._table.pop(key, default)
        if isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest:
            return float(value)
        self.fault(key, value, f"a number from {lowest:g} to {highest:g}")
        return default

    def whole(self, key: str, default: int, lowest: int, highest: int) -> int:
        value = self._table.pop(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.fault(key, value, f"a whole number from {lowest} to {highest}")
        return default

    def word(self, key: str, words: type[T], default: T) -> T:
        value = self._table.pop(key, default)
        if isinstance(value, str) and value in tuple(words):
            return words(value)
        self.fault(key, value, "one of " + ", ".join(words))
        return default

    def path(self, key: str) -> Path | None:
        text = self.text(key, "", "the path of a file")
        return Path(text) if text else None

    def paths(self, key: str) -> tuple[Path, ...]:
        value = self._table.pop(key, ())
        if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(each, str) for each in value):
            return tuple(Path(each) for each in value)
        self.fault(key, value, "a list of paths of files")
        return ()

    def url_path(self, default: str) -> str:
        path = self.text("path", default)
        if path and not path.startswith("/"):
            self.fault("path", path, "a path that begins with /")
        return path

    def finish(self, known: Sequence[str]) -> None:
        for key in self._table:
            self.faults.append(SettingFault(key, "a key that is not known", "one of " + ", ".join(known)))
        if self.faults:
            raise SettingFaults(self.faults)


def _endpoint(keys: _Settings) -> tuple[str | None, int, str]:
    """Host, port and path of ``url``, as defaults for the keys of those names."""
    if not keys.has("url"):
        return None, DEFAULT_PORT, ""
    url = keys.text("url", None, "a URL like opc.tcp://host:4840")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("")
    if parts.scheme != "opc.tcp" or not host or parts.username is not None or parts.query:
        keys.fault("url", url, "a URL like opc.tcp://host:4840, without user, password or query")
        return "127.0.0.1", DEFAULT_PORT, ""
    return host, port or DEFAULT_PORT, parts.path.rstrip("/")


def _check_security(keys: _Settings, settings: OpcUaSessionSettings | OpcUaOutstationSettings, peers: str) -> None:
    """With security there are our own files, and either the ``peers``' certificates or a trust folder."""
    if settings.security is Security.NONE:
        return
    for key in ("certificate", "private_key"):
        if not getattr(settings, key):
            keys.fault(key, None, f"the path of a file (security is {settings.security})")
    listed = getattr(settings, peers)
    if not listed and settings.trust is None:
        keys.fault(peers, None, f"the path of a file, or trust = a folder (security is {settings.security})")
    elif listed and settings.trust is not None:
        keys.fault("trust", str(settings.trust), f"either {peers} or trust")


def read_session(table: Mapping[str, object]) -> OpcUaSessionSettings:
    """Turn a ``[[session]]`` table into settings. ``host``, ``port`` and ``path`` win over ``url``.

    Raises:
        SettingFaults: every fault at once.
    """
    keys = _Settings(table)
    host, port, path = _endpoint(keys)
    settings = OpcUaSessionSettings(
        host=keys.text("host", host, "a host name or address (or url)"),
        port=keys.whole("port", port, 1, 65_535),
        path=keys.url_path(path),
        security=keys.word("security", Security, Security.NONE),
        security_mode=keys.word("security_mode", SecurityMode, SecurityMode.SIGN_AND_ENCRYPT),
        certificate=keys.path("certificate"),
        private_key=keys.path("private_key"),
        server_certificate=keys.path("server_certificate"),
        trust=keys.path("trust"),
        application_uri=keys.text("application_uri", "urn:vppscada:station"),
        username=keys.text("username", ""),
        password_file=keys.path("password_file"),
        publishing_interval_ms=keys.number("publishing_interval_ms", 500.0, 10.0, 3_600_000.0),
        sampling_interval_ms=keys.number("sampling_interval_ms", -1.0, -1.0, 3_600_000.0),
        queue_size=keys.whole("queue_size", 10, 1, 10_000),
        timeout_s=keys.number("timeout_s", 4.0, 0.05, 120.0),
        session_timeout_s=keys.number("session_timeout_s", 60.0, 1.0, 86_400.0),
        keepalive_count=keys.whole("keepalive_count", 10, 1, 10_000),
        resync_s=keys.number("resync_s", 300.0, 0.0, 86_400.0),
    )
    _check_security(keys, settings, "server_certificate")
    if settings.password_file and not settings.username:
        keys.fault("username", None, "a user name beside password_file")
    keys.finish(("url", *OpcUaSessionSettings.__dataclass_fields__))
    return settings


def read_outstation(table: Mapping[str, object]) -> OpcUaOutstationSettings:
    """Turn the settings of an ``[[ems]]`` table into settings of a server.

    Raises:
        SettingFaults: every fault at once.
    """
    keys = _Settings(table)
    settings = OpcUaOutstationSettings(
        host=keys.text("host", "127.0.0.1"),
        port=keys.whole("port", DEFAULT_PORT, 0, 65_535),
        path=keys.url_path(""),
        application_uri=keys.text("application_uri", "urn:vppscada:outstation"),
        security=keys.word("security", Security, Security.NONE),
        security_mode=keys.word("security_mode", SecurityMode, SecurityMode.SIGN_AND_ENCRYPT),
        certificate=keys.path("certificate"),
        private_key=keys.path("private_key"),
        client_certificates=keys.paths("client_certificates"),
        trust=keys.path("trust"),
        maximum_connections=keys.whole("maximum_connections", 32, 1, 1000),
        command_timeout_s=keys.number("command_timeout_s", 3.0, 0.1, 600.0),
    )
    _check_security(keys, settings, "client_certificates")
    keys.finish(tuple(OpcUaOutstationSettings.__dataclass_fields__))
    return settings


def outstation_settings(session: OpcUaSessionSettings) -> OpcUaOutstationSettings:
    """The server that a session with these settings would find.

    Raises:
        ValueError: the session wants security, and the server's private key is not ours to know.
    """
    if session.security is not Security.NONE:
        raise ValueError(
            f"a session with security {session.security} cannot be simulated: no private key of the server"
        )
    return OpcUaOutstationSettings(host=session.host, port=session.port, path=session.path)
