"""Who comes in at our server, and with which right: identity tokens checked against users and certificates."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from struct import unpack_from
from typing import Any

import structlog
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from protocols.opcua.settings import OpcUaOutstationSettings
from protocols.opcua.trust_store import certificates_in
from protocols.opcua.users import MOST_PASSWORD, NOBODY, Anonymous, Right, read_users

log = structlog.get_logger()

_DECRYPT: dict[str, Callable[[Any, bytes], bytes]] = {
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep": uacrypto.decrypt_rsa_oaep,
    "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256": uacrypto.decrypt_rsa_oaep_sha256,
}
_VERIFY: dict[str, Callable[[Any, bytes, bytes], None]] = {
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": uacrypto.verify_sha256,
    "http://opcfoundation.org/UA/security/rsa-pss-sha2-256": uacrypto.verify_pss_sha256,
}
_LONGEST_NAME = 64  # of what strangers write into our log
_BETWEEN_LINES_S = 1.0


@dataclass
class StationUser(User):
    """A user of one session."""

    right: Right = Right.READ


@dataclass(frozen=True, slots=True)
class Knock:
    """What a client shows to come in: its token and signature, and the session's and channel's part in them."""

    token: object
    signature: ua.SignatureData
    nonce: bytes
    mode: ua.MessageSecurityMode


class Refused(Exception):
    """Somebody does not come in. The text says why, without anything secret."""


class SeldomLog:
    """Tells at most one thing in a second, and with it how many were not told: a flood fills no disk."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_at = -_BETWEEN_LINES_S
        self._untold = 0

    def warn(self, event: str, **fields: object) -> None:
        """Log, or count what is not logged."""
        now = self._clock()
        if now - self._told_at < _BETWEEN_LINES_S:
            self._untold += 1
            return
        self._told_at = now
        log.warning(event, **fields, untold=self._untold)
        self._untold = 0


class Logins:
    """Decides on those that knock. Files are read anew each time, so that a change needs no restart.

    Passwords are checked one after another in a thread of their own: a flood of them costs one core and no more.
    """

    def __init__(self, name: str, settings: OpcUaOutstationSettings, statistics: Counter[str]) -> None:
        self._name = name
        self._settings = settings
        self._statistics = statistics
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="opcua-logins")
        self._refusals, self._denials = SeldomLog(), SeldomLog()
        self.certificate: x509.Certificate | None = None  # the server's
        self.private_key: RSAPrivateKey | None = None

    def stop(self) -> None:
        """Check nobody any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def user_of(self, knock: Knock) -> StationUser:
        """The user that a token stands for.

        Raises:
            ServiceError: it does not come in; counted and logged.
        """
        loop = asyncio.get_running_loop()
        try:
            match knock.token:
                case ua.UserNameIdentityToken() as token if self._settings.users_file:
                    name, password = _name_of(token), self._password(token, knock)
                    return await loop.run_in_executor(self._thread, self._by_password, name, password)
                case ua.X509IdentityToken() as token if self._settings.user_certificates:
                    return await loop.run_in_executor(self._thread, self._by_certificate, token, knock)
                case ua.UserNameIdentityToken() | ua.X509IdentityToken() | ua.IssuedIdentityToken():
                    raise Refused("a way to come in that is not offered")
                case _:  # part 4, 7.41: no token at all is anonymous
                    return self._anonymous()
        except Refused as refused:
            self._statistics["logins_refused"] += 1
            name = _name_of(knock.token)
            self._refusals.warn(
                "opcua_login_refused", outstation=self._name, user=name[:_LONGEST_NAME], why=str(refused)
            )
            raise ServiceError(StatusCodes.BadUserAccessDenied) from None

    def denied(self, user: User, point: str) -> None:
        """A write of one without the right to operate: counted and logged."""
        self._statistics["writes_denied"] += 1
        self._denials.warn("opcua_write_denied", outstation=self._name, user=user.name or "", point=point)

    def _anonymous(self) -> StationUser:
        if self._settings.anonymous is Anonymous.NONE:
            raise Refused("nobody is anonymous here")
        return StationUser(UserRole.User, None, Right(self._settings.anonymous))

    def _password(self, token: ua.UserNameIdentityToken, knock: Knock) -> str:
        """The password in a token: encrypted, or in clear where the whole channel is encrypted."""
        content = token.Password
        if not isinstance(content, bytes):
            raise Refused("no password")
        if token.EncryptionAlgorithm:
            content = self._decrypted(token.EncryptionAlgorithm, content, knock.nonce)
        elif knock.mode is not ua.MessageSecurityMode.SignAndEncrypt:
            raise Refused("a password in clear on a channel that is not encrypted")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("a password that is no text") from None

    def _decrypted(self, algorithm: str, content: bytes, nonce: bytes) -> bytes:
        """What was encrypted for us and this session: asyncua does not look at the nonce (part 4, 7.40.2)."""
        decrypt = _DECRYPT.get(algorithm)
        if decrypt is None or self.private_key is None or len(content) != self.private_key.key_size // 8:
            raise Refused("a password encrypted in a way that is not taken")
        try:
            clear = bytes(decrypt(self.private_key, content))
            (length,) = unpack_from("<I", clear)
        except Exception:  # whatever the library says of noise
            raise Refused("a password that cannot be decrypted") from None
        if length != len(clear) - 4 or not nonce or not clear.endswith(nonce) or length < len(nonce):
            raise Refused("a password that was not encrypted for this session")
        return clear[4 : len(clear) - len(nonce)]

    def _by_password(self, name: str, password: str) -> StationUser:
        assert self._settings.users_file is not None
        try:
            users = read_users(self._settings.users_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Refused(f"the users file cannot be read: {error}") from None
        known = users.get(name)
        if not (known.hash if known else NOBODY).fits(password) or known is None:
            raise Refused("no such user, or another password")
        return StationUser(UserRole.User, name, known.right)

    def _by_certificate(self, token: ua.X509IdentityToken, knock: Knock) -> StationUser:
        assert self._settings.user_certificates is not None
        verify = _VERIFY.get(knock.signature.Algorithm or "")
        if verify is None or self.certificate is None:
            raise Refused("a certificate without a signature that is taken")
        try:
            certificate = x509.load_der_x509_certificate(bytes(token.CertificateData or b""))
            challenge = self.certificate.public_bytes(Encoding.DER) + knock.nonce
            verify(certificate, challenge, knock.signature.Signature)
        except Exception:  # whatever the libraries say of noise and of other sorts of keys
            raise Refused("a certificate whose owner did not sign") from None
        if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
            raise Refused("a certificate out of its time")
        right = _right_of(certificate, self._settings.user_certificates)
        return StationUser(UserRole.User, certificate.subject.rfc4514_string()[:_LONGEST_NAME], right)


def _right_of(certificate: x509.Certificate, folder: Path) -> Right:
    """By the folder that it is in; the lesser where it is in both."""
    try:
        for right in (Right.READ, Right.OPERATE):
            if certificate in certificates_in(folder / right):
                return right
    except (OSError, ValueError) as error:
        raise Refused(f"the folder of user certificates cannot be read: {error}") from None
    raise Refused("a certificate that is not in the folder of user certificates")


def _name_of(token: object) -> str:
    name = getattr(token, "UserName", None)
    return name if isinstance(name, str) and len(name.encode("utf-8", "replace")) <= MOST_PASSWORD else ""
