"""A trust folder: which certificates of others are taken, and where those go that are not.

    FOLDER/trusted    certificates of peers, or of authorities that sign them (PEM or DER)
    FOLDER/crl        revocation lists (PEM or DER)
    FOLDER/rejected   what came and was not trusted, as DER: move it to ``trusted`` to take it

The folders are read at each new connection, so that a change needs no restart.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from pathlib import Path

import structlog
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from asyncua.ua.status_codes import StatusCodes, get_name_and_doc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from protocols.opcua.trust_store import FolderStore

log = structlog.get_logger()

#: Strangers may knock as often as they like; no more of them are kept.
MOST_REJECTED = 100
_CHECKED = (
    CertificateValidatorOptions.TIME_RANGE
    | CertificateValidatorOptions.URI
    | CertificateValidatorOptions.TRUSTED
    | CertificateValidatorOptions.REVOKED
)


class TrustFolder:
    """Validates a peer's certificate: in time, of the application that it says, trusted and not revoked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, certificate: x509.Certificate, application: ua.ApplicationDescription) -> None:
        """Return if the certificate is taken.

        Raises:
            ServiceError: it is not; its code says why. One that nobody trusts is put into ``rejected``.
        """
        store = FolderStore(self._folder / "trusted", self._folder / "crl")
        try:
            await store.load()
            await CertificateValidator(_CHECKED, store).validate(certificate, application)
        except ServiceError as error:
            self._refused(certificate, int(error.code))
            raise
        except (OSError, ValueError) as error:
            # what is empty or cannot be read trusts nobody
            log.warning("opcua_trust_folder_unusable", folder=str(self._folder), error=str(error))
            self._refused(certificate, StatusCodes.BadCertificateUntrusted)
            raise ServiceError(StatusCodes.BadCertificateUntrusted) from error

    def _refused(self, certificate: x509.Certificate, code: int) -> None:
        name, _ = get_name_and_doc(code)
        subject = certificate.subject.rfc4514_string()
        log.warning("opcua_certificate_refused", subject=subject, why=str(name), folder=str(self._folder))
        if code == StatusCodes.BadCertificateUntrusted:
            self._keep(certificate)

    def _keep(self, certificate: x509.Certificate) -> None:
        """For an engineer to look at. A disk that does not take it changes nothing: it stays refused."""
        content = certificate.public_bytes(Encoding.DER)
        rejected = self._folder / "rejected"
        try:
            rejected.mkdir(exist_ok=True)
            file = rejected / f"{hashlib.sha256(content).hexdigest()[:40]}.der"
            if not file.exists() and len(list(rejected.iterdir())) < MOST_REJECTED:
                file.write_bytes(content)
        except OSError as error:
            log.warning("opcua_rejected_certificate_not_kept", error=str(error))


def first_expiry_s(files: Iterable[Path | None], der: Iterable[bytes | None] = ()) -> int:
    """When the first of some certificates ends, in seconds since 1970, UTC; 0 if none of them can be read."""
    ends: list[int] = []
    for file in filter(None, files):
        with contextlib.suppress(OSError, ValueError):
            ends.append(_end_s(load_certificate(file)))
    for content in filter(None, der):
        with contextlib.suppress(ValueError):
            ends.append(_end_s(x509.load_der_x509_certificate(content)))
    return min(ends, default=0)


def _end_s(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp())


def load_certificate(file: Path) -> x509.Certificate:
    """A certificate from a PEM or DER file.

    Raises:
        OSError, ValueError: it cannot be read, or is none.
    """
    data = file.read_bytes()
    is_pem = data.lstrip().startswith(b"-----")
    return x509.load_pem_x509_certificate(data) if is_pem else x509.load_der_x509_certificate(data)
