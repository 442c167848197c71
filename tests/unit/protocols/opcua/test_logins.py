"""Who comes in at our server, and what they may there."""

import asyncio
import contextlib
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from protocols.opcua import DRIVER
from protocols.opcua.logins import Knock, Logins, SeldomLog, StationUser
from protocols.opcua.server import OpcUaOutstation
from protocols.opcua.session import OpcUaSession
from protocols.opcua.settings import OpcUaOutstationSettings, Security, SecurityMode
from protocols.opcua.trust import load_certificate
from protocols.opcua.users import Anonymous, Right, user_line
from protocols.opcua.writes import may_operate
from tests.unit.protocols.opcua.device import POWER, ROWS, SETPOINT, Handler, make_certificate
from tests.unit.protocols.opcua.test_session import batch, command, running, session_on
from tests.unit.protocols.opcua.test_trust import Authority
from vppscada.model.commands import Accepted, AnalogValue, CommandStatus, Rejected
from vppscada.model.sessions import SessionLost

NONCE = b"n" * 32
OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ENCRYPTED = ua.MessageSecurityMode.SignAndEncrypt
SIGNED = ua.MessageSecurityMode.Sign


@dataclass(frozen=True)
class Keys:
    """Certificates and keys of a server, of a client and of three users."""

    folder: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]
    operator: tuple[Path, Path]
    viewer: tuple[Path, Path]
    stranger: tuple[Path, Path]


@pytest_asyncio.fixture(scope="module")
async def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    made = Keys(
        folder,
        await make_certificate(folder, "server", "urn:vppscada:outstation"),
        await make_certificate(folder, "client", "urn:vppscada:station"),
        *[await make_certificate(folder, name, "urn:user") for name in ("operator", "viewer", "stranger")],
    )
    for right, (certificate, _) in (("operate", made.operator), ("read", made.viewer)):
        (folder / "users" / right).mkdir(parents=True)
        (folder / "users" / right / certificate.name).write_bytes(certificate.read_bytes())
    lines = (user_line("ems", Right.OPERATE, "let me in"), user_line("view", Right.READ, "let me look"))
    (folder / "users.txt").write_text("\n".join(lines), encoding="utf-8")
    for name, text in (("ems", "let me in"), ("view", "let me look"), ("wrong", "open sesame")):
        (folder / f"{name}.password").write_text(text + "\n", encoding="utf-8")
    return made


def settings_of(keys: Keys, mode: SecurityMode = SecurityMode.SIGN_AND_ENCRYPT) -> OpcUaOutstationSettings:
    return OpcUaOutstationSettings(
        port=0,
        security=Security.BASIC256SHA256,
        security_mode=mode,
        certificate=keys.server[0],
        private_key=keys.server[1],
        client_certificates=(keys.client[0],),
        users_file=keys.folder / "users.txt",
        user_certificates=keys.folder / "users",
        anonymous=Anonymous.NONE,
    )


@asynccontextmanager
async def serving(settings: OpcUaOutstationSettings) -> AsyncIterator[tuple[OpcUaOutstation, Handler]]:
    handler = Handler()
    outstation = DRIVER.outstation("ems", settings, ROWS, handler, None)
    outstation.update(batch([POWER, SETPOINT], [4.0, 0.0]))
    await outstation.start()
    try:
        yield outstation, handler
    finally:
        await outstation.stop()


def session_of(outstation: OpcUaOutstation, keys: Keys, **changes: object) -> OpcUaSession:
    secured: dict[str, object] = {
        "security": Security.BASIC256SHA256,
        "security_mode": outstation._settings.security_mode,
        "certificate": keys.client[0],
        "private_key": keys.client[1],
        "server_certificate": keys.server[0],
        "timeout_s": 4.0,
    }
    return session_on(outstation, ROWS, **secured, **changes)


def as_user(keys: Keys, name: str, password: str = "") -> dict[str, object]:
    return {"username": name, "password_file": keys.folder / f"{password or name}.password"}


def with_certificate(pair: tuple[Path, Path]) -> dict[str, object]:
    return {"user_certificate": pair[0], "user_private_key": pair[1]}


# --- over loopback, our session at our server


@pytest.mark.parametrize("mode", [SecurityMode.SIGN_AND_ENCRYPT, SecurityMode.SIGN])
async def test_users_read_and_only_those_with_the_right_operate(keys: Keys, mode: SecurityMode) -> None:
    async with serving(settings_of(keys, mode)) as (outstation, handler):
        for user, expected in (
            (as_user(keys, "ems"), Accepted()),
            (with_certificate(keys.operator), Accepted()),
            (as_user(keys, "view"), Rejected(CommandStatus.NOT_AUTHORIZED, "BadUserAccessDenied")),
            (with_certificate(keys.viewer), Rejected(CommandStatus.NOT_AUTHORIZED, "BadUserAccessDenied")),
        ):
            session = session_of(outstation, keys, **user)
            async with running(session) as (listener, _):
                assert listener.value[POWER] == 4.0
                assert await session.operate(command(SETPOINT, AnalogValue(3.0))) == expected
        assert len(handler.operated) == 2
        assert outstation.statistics["writes_denied"] == 2
        assert outstation.statistics["logins_refused"] == 0


async def test_a_users_certificate_counts_among_those_that_end(keys: Keys, tmp_path: Path) -> None:
    authority = Authority()
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    short = tmp_path / "short.der"
    short.write_bytes(authority.issue("short", ends=ends).public_bytes(Encoding.DER))
    async with serving(settings_of(keys)) as (outstation, _):
        session = session_of(outstation, keys, user_certificate=short, user_private_key=keys.operator[1])
        with pytest.raises(SessionLost):  # its key is another's
            async with running(session):
                pytest.fail("came in")
        assert session.statistics["certificate_expires_s"] == int(ends.timestamp())


async def test_others_do_not_come_in_and_are_counted_and_logged_without_their_passwords(keys: Keys) -> None:
    async with serving(settings_of(keys)) as (outstation, _):
        strangers = (
            as_user(keys, "ems", "wrong"),
            as_user(keys, "nobody", "ems"),
            with_certificate(keys.stranger),
        )
        with structlog.testing.capture_logs() as logged:
            for stranger in strangers:
                with pytest.raises(SessionLost):
                    async with running(session_of(outstation, keys, **stranger)):
                        pytest.fail("a stranger came in")
        assert outstation.statistics["logins_refused"] == len(strangers)
        refused = [line for line in logged if line["event"] == "opcua_login_refused"]
        assert refused
        assert refused[0]["user"] == "ems"
        assert not any(secret in str(logged) for secret in ("open sesame", "let me in"))
        with pytest.raises(SessionLost):
            async with running(session_of(outstation, keys)):
                pytest.fail("somebody without a name came in")


async def test_a_user_who_is_taken_from_the_file_comes_in_no_more(keys: Keys, tmp_path: Path) -> None:
    users = tmp_path / "users.txt"
    users.write_text(user_line("ems", Right.OPERATE, "let me in"), encoding="utf-8")
    async with serving(replace(settings_of(keys), users_file=users)) as (outstation, _):
        async with running(session_of(outstation, keys, **as_user(keys, "ems"))):
            pass
        users.write_text("# nobody\n", encoding="utf-8")
        with pytest.raises(SessionLost):
            async with running(session_of(outstation, keys, **as_user(keys, "ems"))):
                pytest.fail("came in")


# --- anonymous, without security: a bare client


@pytest.fixture
def logins(keys: Keys) -> Iterator[Logins]:
    made = Logins("ems", settings_of(keys), Counter())
    made.certificate = load_certificate(keys.server[0])
    made.private_key = key_of(keys.server)
    yield made
    made.stop()


def key_of(pair: tuple[Path, Path]) -> RSAPrivateKey:
    key = load_pem_private_key(pair[1].read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def name_token(
    password: bytes | None, algorithm: str | None = None, name: str | None = "ems"
) -> ua.UserNameIdentityToken:
    return ua.UserNameIdentityToken("username", name, password, algorithm)


def encrypted(keys: Keys, password: bytes, nonce: bytes = NONCE, length: int | None = None) -> bytes:
    content = password + nonce
    clear = struct.pack("<I", len(content) if length is None else length) + content
    return bytes(uacrypto.encrypt_rsa_oaep(load_certificate(keys.server[0]).public_key(), clear))  # type: ignore[no-untyped-call]


def knock(token: object, mode: ua.MessageSecurityMode = ENCRYPTED, signature: ua.SignatureData | None = None) -> Knock:
    return Knock(token, signature or ua.SignatureData(), NONCE, mode)


async def test_a_password_in_clear_is_taken_on_an_encrypted_channel_only(logins: Logins) -> None:
    token = name_token(b"let me in")
    assert await logins.user_of(knock(token)) == StationUser(UserRole.User, "ems", Right.OPERATE)
    for mode in (SIGNED, ua.MessageSecurityMode.None_):
        with pytest.raises(ServiceError):
            await logins.user_of(knock(token, mode))
    assert logins._statistics["logins_refused"] == 2


async def test_an_encrypted_password_is_taken_once_for_the_session_that_it_was_made_for(
    logins: Logins, keys: Keys
) -> None:
    assert await logins.user_of(knock(name_token(encrypted(keys, b"let me in"), OAEP), SIGNED))
    for wrong in (
        encrypted(keys, b"let me in", b"o" * 32),  # made for another session
        encrypted(keys, b"let me in", b""),
        encrypted(keys, b"let me in", length=9),
        encrypted(keys, b"let me in", length=0xFFFF_FFFF),
        encrypted(keys, b"\xff\xfe"),
        b"\x00" * 256,
        b"short",
        b"",
    ):
        with pytest.raises(ServiceError):
            await logins.user_of(knock(name_token(wrong, OAEP), SIGNED))
    with pytest.raises(ServiceError):  # an old way to encrypt
        token = name_token(encrypted(keys, b"let me in"), "http://www.w3.org/2001/04/xmlenc#rsa-1_5")
        await logins.user_of(knock(token, SIGNED))


@pytest.mark.parametrize(
    "token",
    [
        name_token(None),
        name_token(b""),
        name_token(b"let me in", name=None),
        name_token(b"let me in", name="x" * 10_000),
        name_token(b"x" * 100_000),
        name_token(b"\xff"),
        ua.AnonymousIdentityToken("anonymous"),
        ua.ExtensionObject(),
        ua.IssuedIdentityToken(),
        ua.X509IdentityToken("certificate", b"none"),
        ua.X509IdentityToken("certificate", None),
        None,
    ],
)
async def test_what_is_no_login_is_refused_and_nothing_else_happens(logins: Logins, token: object) -> None:
    with pytest.raises(ServiceError) as refused:
        await logins.user_of(knock(token))
    assert refused.value.code == StatusCodes.BadUserAccessDenied
    assert logins._statistics == {"logins_refused": 1}


async def test_a_certificate_counts_only_with_a_signature_for_this_session(logins: Logins, keys: Keys) -> None:
    assert logins.certificate is not None
    ours = logins.certificate.public_bytes(Encoding.DER)
    token = ua.X509IdentityToken("certificate", load_certificate(keys.operator[0]).public_bytes(Encoding.DER))

    def signed(challenge: bytes, pair: tuple[Path, Path] = keys.operator, algorithm: str = RSA_SHA256) -> Knock:
        octets = uacrypto.sign_sha256(key_of(pair), challenge)  # type: ignore[no-untyped-call]
        return knock(token, signature=ua.SignatureData(algorithm, octets))

    assert (await logins.user_of(signed(ours + NONCE))).right is Right.OPERATE
    for wrong in (
        signed(ours + b"o" * 32),
        signed(NONCE),
        signed(ours + NONCE, keys.viewer),
        signed(ours + NONCE, algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        knock(token),
    ):
        with pytest.raises(ServiceError):
            await logins.user_of(wrong)


async def test_a_certificate_out_of_its_time_is_refused(logins: Logins, keys: Keys, tmp_path: Path) -> None:
    assert logins.certificate is not None
    key, name = key_of(keys.operator), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    now = datetime.now(UTC)
    logins._settings = replace(logins._settings, user_certificates=tmp_path)
    (tmp_path / "operate").mkdir()
    content = logins.certificate.public_bytes(Encoding.DER) + NONCE
    signature = ua.SignatureData(RSA_SHA256, uacrypto.sign_sha256(key, content))  # type: ignore[no-untyped-call]
    for begins, ends, comes_in in ((-1, 1, True), (-2, -1, False), (1, 2, False)):
        times = (now + timedelta(hours=begins), now + timedelta(hours=ends))
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), *times)
        made = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
        (tmp_path / "operate" / "user.der").write_bytes(made)
        asking = logins.user_of(knock(ua.X509IdentityToken("certificate", made), signature=signature))
        if comes_in:
            assert (await asking).name == "CN=old"
        else:
            with pytest.raises(ServiceError):
                await asking


async def test_a_flood_of_passwords_leaves_nothing_behind(logins: Logins) -> None:
    guesses = [logins.user_of(knock(name_token(b"x" * 600, name=f"user{n}"))) for n in range(300)]
    found = await asyncio.gather(*guesses, return_exceptions=True)
    assert all(isinstance(each, ServiceError) for each in found)
    assert logins._statistics == {"logins_refused": 300}
    assert logins._thread._work_queue.qsize() == 0


async def test_a_users_file_or_folder_that_cannot_be_read_lets_nobody_in(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "read").mkdir()
    (tmp_path / "read" / "noise.der").write_bytes(b"noise")
    (tmp_path / "users.txt").write_text("ems:operate:plain", encoding="utf-8")
    settings = replace(settings_of(keys), users_file=tmp_path / "users.txt", user_certificates=tmp_path)
    made = Logins("ems", settings, Counter())
    made.certificate = load_certificate(keys.server[0])
    content = made.certificate.public_bytes(Encoding.DER) + NONCE
    signature = ua.SignatureData(RSA_SHA256, uacrypto.sign_sha256(key_of(keys.operator), content))  # type: ignore[no-untyped-call]
    certificate = load_certificate(keys.operator[0]).public_bytes(Encoding.DER)
    with contextlib.ExitStack() as stack:
        stack.callback(made.stop)
        for token in (name_token(b"plain"), ua.X509IdentityToken("certificate", certificate)):
            with pytest.raises(ServiceError):
                await made.user_of(knock(token, signature=signature))


def test_nobody_operates_who_was_not_let_in() -> None:
    assert not may_operate(User())
    assert not may_operate(StationUser())
    assert may_operate(StationUser(right=Right.OPERATE))


def test_a_flood_is_told_once_in_a_second_with_its_number() -> None:
    now = [100.0]
    seldom = SeldomLog(lambda: now[0])
    with structlog.testing.capture_logs() as logged:
        for _ in range(1000):
            seldom.warn("refused")
        now[0] += 1.0
        seldom.warn("refused")
    assert [line["untold"] for line in logged] == [0, 999]
