"""Settings of OPC UA sessions and outstations, read from the tables of a site file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from protocols.opcua.keys import Keys
from protocols.opcua.users import Anonymous

DEFAULT_PORT = 4840


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
    user_certificate: Path | None = None  # of a user, instead of a name
    user_private_key: Path | None = None
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
    users_file: Path | None = None  # user names, see `protocols.opcua.users`
    user_certificates: Path | None = None  # a folder with certificates of users in read and operate
    anonymous: Anonymous = Anonymous.OPERATE  # of one who does not say who they are
    maximum_connections: int = 32
    command_timeout_s: float = 3.0  # from a write to its expiry; until then its connection hears nothing else

    @property
    def url(self) -> str:
        """URL of the endpoint."""
        return f"opc.tcp://{_bracketed(self.host)}:{self.port}{self.path}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _endpoint(keys: Keys) -> tuple[str | None, int, str]:
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


def _check_security(keys: Keys, settings: OpcUaSessionSettings | OpcUaOutstationSettings, peers: str) -> None:
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
    keys = Keys(table)
    host, port, path = _endpoint(keys)
    settings = OpcUaSessionSettings(
        host=keys.text("host", host, "a host name or address (or url)"),
        port=keys.whole("port", port, 1, 65_535),
        path=keys.url_path(path),
        security=keys.word("security", Security, Security.NONE),
        security_mode=keys.word("security_mode", SecurityMode, SecurityMode.SIGN_AND_ENCRYPT),
        certificate=keys.path("certificate"),
        private_key=keys.secret("private_key"),
        server_certificate=keys.path("server_certificate"),
        trust=keys.path("trust"),
        application_uri=keys.text("application_uri", "urn:vppscada:station"),
        username=keys.text("username", ""),
        password_file=keys.secret("password_file"),
        user_certificate=keys.path("user_certificate"),
        user_private_key=keys.secret("user_private_key"),
        publishing_interval_ms=keys.number("publishing_interval_ms", 500.0, 10.0, 3_600_000.0),
        sampling_interval_ms=keys.number("sampling_interval_ms", -1.0, -1.0, 3_600_000.0),
        queue_size=keys.whole("queue_size", 10, 1, 10_000),
        timeout_s=keys.number("timeout_s", 4.0, 0.05, 120.0),
        session_timeout_s=keys.number("session_timeout_s", 60.0, 1.0, 86_400.0),
        keepalive_count=keys.whole("keepalive_count", 10, 1, 10_000),
        resync_s=keys.number("resync_s", 300.0, 0.0, 86_400.0),
    )
    _check_security(keys, settings, "server_certificate")
    _check_user(keys, settings)
    keys.finish(("url", *OpcUaSessionSettings.__dataclass_fields__))
    return settings


def _check_user(keys: Keys, settings: OpcUaSessionSettings) -> None:
    """One user, by name or by certificate."""
    if settings.password_file and not settings.username:
        keys.fault("username", None, "a user name beside password_file")
    if settings.user_certificate is None and settings.user_private_key is None:
        return
    for key in ("user_certificate", "user_private_key"):
        if not getattr(settings, key):
            keys.fault(key, None, "the path of a file: a user's certificate and private key go together")
    if settings.username:
        keys.fault("username", settings.username, "either a user name or a user's certificate")
    if settings.security is Security.NONE:
        keys.fault("user_certificate", str(settings.user_certificate), "a user's certificate only with security")


def read_outstation(table: Mapping[str, object]) -> OpcUaOutstationSettings:
    """Turn the settings of an ``[[ems]]`` table into settings of a server.

    Raises:
        SettingFaults: every fault at once.
    """
    keys = Keys(table)
    settings = OpcUaOutstationSettings(
        host=keys.text("host", "127.0.0.1"),
        port=keys.whole("port", DEFAULT_PORT, 0, 65_535),
        path=keys.url_path(""),
        application_uri=keys.text("application_uri", "urn:vppscada:outstation"),
        security=keys.word("security", Security, Security.NONE),
        security_mode=keys.word("security_mode", SecurityMode, SecurityMode.SIGN_AND_ENCRYPT),
        certificate=keys.path("certificate"),
        private_key=keys.secret("private_key"),
        client_certificates=keys.paths("client_certificates"),
        trust=keys.path("trust"),
        users_file=keys.secret("users_file"),
        user_certificates=keys.path("user_certificates"),
        # where users are named nobody comes in without a name, unless that is said
        anonymous=keys.word("anonymous", Anonymous, Anonymous.NONE if _has_users(table) else Anonymous.OPERATE),
        maximum_connections=keys.whole("maximum_connections", 32, 1, 1000),
        command_timeout_s=keys.number("command_timeout_s", 3.0, 0.1, 600.0),
    )
    _check_security(keys, settings, "client_certificates")
    _check_users(keys, settings)
    keys.finish(tuple(OpcUaOutstationSettings.__dataclass_fields__))
    return settings


def _has_users(table: Mapping[str, object]) -> bool:
    return "users_file" in table or "user_certificates" in table


def _check_users(keys: Keys, settings: OpcUaOutstationSettings) -> None:
    """Somebody can come in, and nobody's password or signature is anybody else's to take."""
    for key in ("users_file", "user_certificates"):
        if getattr(settings, key) and settings.security is Security.NONE:
            keys.fault(key, str(getattr(settings, key)), "users only with security: without, all can listen")
    if settings.anonymous is Anonymous.NONE and not (settings.users_file or settings.user_certificates):
        keys.fault("anonymous", str(settings.anonymous), "users_file or user_certificates beside it, or another word")


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
