"""TLS as MODBUS/TCP Security asks for, and the role that a certificate gives its holder."""

import ssl

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from protocols.modbus.media import ANY_NAME, TlsSettings

#: MODBUS/TCP Security Protocol Specification V2.1: the role of a client, an ASN.1 UTF8String.
ROLE_OID = ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
_UTF8_STRING = 0x0C
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
#: For TLS 1.2; forward secrecy and authenticated encryption only. Those of 1.3 all have both.
_CIPHERS_12 = "ECDHE+AESGCM:ECDHE+CHACHA20"


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """A client's context: see `_context`. The name in the server's certificate is checked unless it is ``*``."""
    context = _context(settings, ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = settings.peer_name != ANY_NAME
    return context


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """A server's context: see `_context`."""
    return _context(settings, ssl.PROTOCOL_TLS_SERVER)


def _context(settings: TlsSettings, role: int) -> ssl.SSLContext:
    """Shows our certificate and demands one that our CA signed and that is in force. Files are read anew each time.

    Raises:
        OSError: a file cannot be read or is not what it should be; the message names it.
    """
    context = ssl.SSLContext(role)
    context.check_hostname = False
    context.minimum_version = _VERSIONS[settings.minimum]
    context.set_ciphers(_CIPHERS_12)
    context.options |= ssl.OP_NO_RENEGOTIATION
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


def role_of(certificate: bytes) -> str:
    """The role in a certificate (DER); empty if it has none, or what stands there is no text."""
    try:
        extension = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_oid(ROLE_OID).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return ""
    octets = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
    if len(octets) < 2 or octets[0] != _UTF8_STRING or octets[1] != len(octets) - 2 or octets[1] > 0x7F:
        return ""
    try:
        return octets[2:].decode()
    except UnicodeDecodeError:
        return ""
