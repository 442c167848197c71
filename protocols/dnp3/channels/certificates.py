"""TLS contexts and what is asked of a peer's certificate beyond its chain."""

import hashlib
import ipaddress
import ssl
from collections.abc import Mapping
from typing import Any

from protocols.dnp3.channels.medium import ANY_NAME, TlsSettings

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
#: For TLS 1.2; forward secrecy and authenticated encryption only. Those of 1.3 all have both.
_CIPHERS_12 = "ECDHE+AESGCM:ECDHE+CHACHA20"


def tls_context(settings: TlsSettings, *, server: bool) -> ssl.SSLContext:
    """A context that shows our certificate and demands one that our CA signed. Files are read anew each time.

    Raises:
        OSError: a file cannot be read or is not what it should be; the message names it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = _VERSIONS[settings.minimum]
    context.set_ciphers(_CIPHERS_12)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.check_hostname = False  # `refusal_of` does, alike for both roles
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(settings.ca)
    except (OSError, ValueError) as error:
        raise OSError(f"ca {settings.ca}: {error}") from error
    try:
        # a key that asks for a passphrase would ask the terminal
        context.load_cert_chain(settings.certificate, settings.key, password=b"")
    except (OSError, ValueError) as error:
        raise OSError(f"certificate {settings.certificate}, key {settings.key}: {error}") from error
    return context


def refusal_of(connection: Any, settings: TlsSettings, expected_name: str) -> str:
    """Why a peer whose chain was good is refused; empty if it is not. ``connection`` is an SSLObject."""
    octets: bytes = connection.getpeercert(binary_form=True) or b""
    fingerprint = hashlib.sha256(octets).hexdigest()
    if settings.peer_fingerprint and fingerprint != settings.peer_fingerprint:
        return f"certificate has fingerprint {fingerprint}"
    if expected_name not in ("", ANY_NAME) and not holds_name(connection.getpeercert(), expected_name):
        return f"certificate does not hold the name {expected_name}"
    return ""


def holds_name(certificate: Mapping[str, Any], name: str) -> bool:
    """True if one of the subject's alternative names is the name or address; without any, its common name counts.

    Wildcards count for nothing: a certificate of an outstation is made for one outstation.
    """
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        address = None
    alternatives = certificate.get("subjectAltName", ())
    if address is not None and alternatives:
        return any(kind == "IP Address" and _same_address(value, address) for kind, value in alternatives)
    names = [value for kind, value in alternatives if kind == "DNS"]
    if not alternatives:
        names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return name.lower() in (one.lower() for one in names)


def _same_address(text: str, address: object) -> bool:
    try:
        return ipaddress.ip_address(text) == address
    except ValueError:
        return False
