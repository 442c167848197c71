"""The files of a trust folder: every one of them is read, whatever its name, or nobody is trusted.

asyncua's own store passes over files without ``der`` or ``pem`` in their names, and so over a list called ``ca.crl``.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from asyncua.crypto.truststore import TrustStore
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

_PEM_LIST = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----\s*", re.DOTALL)

Read = TypeVar("Read")


class FolderStore(TrustStore):
    """Trusted certificates and revocation lists of two folders; one that is not there is empty."""

    def __init__(self, trusted: Path, lists: Path) -> None:
        super().__init__([trusted], [lists])
        self._lists: list[x509.CertificateRevocationList] = []

    async def load(self) -> None:
        """Read both folders anew.

        Raises:
            OSError, ValueError: a file cannot be read, a list is not signed by the authority whose name it has, or
                no certificate is there.
        """
        (trusted,), (lists,) = self.trust_locations, self.crl_locations
        certificates = certificates_in(trusted)
        self._trust_store = x509.verification.Store(certificates)
        self._lists = _read_all(lists, _revocation_lists)
        for one in self._lists:
            _check_signature(one, certificates)

    def is_revoked(self, certificate: x509.Certificate) -> bool:
        """True if a list of the certificate's issuer names it."""
        return any(
            one.issuer == certificate.issuer
            and one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
            for one in self._lists
        )


def certificates_in(folder: Path) -> list[x509.Certificate]:
    """The certificates in the files of a folder, PEM or DER; none if it is not there.

    Raises:
        OSError, ValueError: a file cannot be read, or is no certificate.
    """
    return _read_all(folder, _certificates)


def _read_all(folder: Path, parse: Callable[[bytes], list[Read]]) -> list[Read]:
    """What is in the files of a folder but hidden ones."""
    found: list[Read] = []
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for file in files:
        if not file.name.startswith("."):
            try:
                found += parse(file.read_bytes())
            except ValueError as error:
                raise ValueError(f"{file}: {error}") from error
    return found


def _certificates(data: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(data) if _is_pem(data) else [x509.load_der_x509_certificate(data)]


def _revocation_lists(data: bytes) -> list[x509.CertificateRevocationList]:
    if not _is_pem(data):
        return [x509.load_der_x509_crl(data)]
    found = [x509.load_pem_x509_crl(block) for block in _PEM_LIST.findall(data)]
    if not found:
        raise ValueError("no revocation list in it")
    return found


def _is_pem(data: bytes) -> bool:
    return b"-----BEGIN " in data


def _check_signature(one: x509.CertificateRevocationList, trusted: list[x509.Certificate]) -> None:
    """A list of an authority that is not here cannot be checked; it counts all the same, to be on the safe side."""
    authorities = [each for each in trusted if each.subject == one.issuer]
    if authorities and not any(_is_signed_by(one, each) for each in authorities):
        raise ValueError(f"a revocation list that {one.issuer.rfc4514_string()} did not sign")


def _is_signed_by(one: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return one.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except (TypeError, UnsupportedAlgorithm):  # a key of another sort than the signature, or of none that we know
        return False
