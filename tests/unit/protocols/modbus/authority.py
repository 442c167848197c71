"""Certificates for tests: an authority, and certificates with roles that it signs."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protocols.modbus.certificates import ROLE_OID
from protocols.modbus.media import TlsSettings

_DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates and writes them as PEM files under a folder."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._certify(self._name, self._key, [], b"", ca=True, days=(-1, 1)))

    def settings(
        self, name: str, *names: str, role: str | None = None, expired: bool = False, octets: bytes = b"", **others: str
    ) -> TlsSettings:
        """TLS settings of somebody with such a certificate who trusts this authority.

        ``role`` goes into the role's extension; ``octets`` instead of it, as they are.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        if role is not None:
            octets = bytes((0x0C, len(role.encode()))) + role.encode()
        alternatives = [_alternative(one) for one in names]
        days = (-3, -2) if expired else (-1, 1)
        certificate, private = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(self._certify(subject, key, alternatives, octets, ca=False, days=days))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return TlsSettings(certificate, private, self.file, **others)

    def _certify(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: list[x509.GeneralName],
        role: bytes,
        *,
        ca: bool,
        days: tuple[int, int],
    ) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * _DAY)
            .not_valid_after(now + days[1] * _DAY)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if role:
            builder = builder.add_extension(x509.UnrecognizedExtension(ROLE_OID, role), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
