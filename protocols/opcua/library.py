"""asyncua on our terms: kept quiet, its nodes by namespace URI, its security with a validator."""

import logging
from collections.abc import Sequence
from pathlib import Path

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.utils import ServiceError
from asyncua.crypto import security_policies
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes, get_name_and_doc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from protocols.opcua.config import STANDARD_NAMESPACE, Identifier, NodeName, OpcUaAddress
from protocols.opcua.settings import OpcUaOutstationSettings, OpcUaSessionSettings, Security, SecurityMode
from protocols.opcua.trust import TrustFolder, load_certificate
from protocols.opcua.users import Anonymous

_POLICIES: dict[Security, type[security_policies.SecurityPolicy]] = {
    Security.BASIC256SHA256: security_policies.SecurityPolicyBasic256Sha256,
    Security.AES128: security_policies.SecurityPolicyAes128Sha256RsaOaep,
    Security.AES256: security_policies.SecurityPolicyAes256Sha256RsaPss,
}
_MODES = {
    SecurityMode.SIGN: ua.MessageSecurityMode.Sign,
    SecurityMode.SIGN_AND_ENCRYPT: ua.MessageSecurityMode.SignAndEncrypt,
}
_ENDPOINTS = {
    SecurityMode.SIGN: {
        Security.BASIC256SHA256: ua.SecurityPolicyType.Basic256Sha256_Sign,
        Security.AES128: ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
        Security.AES256: ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    },
    SecurityMode.SIGN_AND_ENCRYPT: {
        Security.BASIC256SHA256: ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
        Security.AES128: ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
        Security.AES256: ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
    },
}


def keep_quiet() -> None:
    """Silence asyncua: it logs every lost connection with a traceback. What matters is logged by our side."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)


def status_name(code: int) -> str:
    """The name of a status code, as the standard has it."""
    name, _ = get_name_and_doc(code)
    return str(name)


def node_id(name: NodeName | OpcUaAddress, namespaces: Sequence[str]) -> ua.NodeId | None:
    """The node's id in a server with this namespace array; None if it does not know the namespace."""
    if name.namespace_uri == STANDARD_NAMESPACE:
        return _node_id(name.identifier, 0)
    if name.namespace_uri not in namespaces:
        return None
    return _node_id(name.identifier, namespaces.index(name.namespace_uri))


def _node_id(identifier: Identifier, index: int) -> ua.NodeId:
    return ua.NodeId(identifier, index)  # type: ignore[arg-type]  # asyncua takes the plain Python types


async def secure_client(client: Client, settings: OpcUaSessionSettings) -> None:
    """Prepare certificates and user of a client that has not connected yet.

    Raises:
        OSError, ValueError: a file cannot be read or is no certificate, key or password.
    """
    client.application_uri = settings.application_uri
    if settings.username:
        client.set_user(settings.username)
        if settings.password_file:
            client.set_password(settings.password_file.read_text(encoding="utf-8").strip())
    if settings.user_certificate and settings.user_private_key:
        client.user_certificate = load_certificate(settings.user_certificate)
        client.user_private_key = _load_key(settings.user_private_key)
    if settings.security is Security.NONE:
        return
    assert settings.certificate and settings.private_key  # checked when read
    pinned = settings.server_certificate
    # With the server's certificate given no unprotected look at its endpoints comes first; with a trust folder what
    # that look brings is believed only once the secure channel has proved it and the folder trusts it.
    await client.set_security(
        _POLICIES[settings.security],
        settings.certificate,
        settings.private_key,
        server_certificate=None if pinned is None else str(pinned),
        mode=_MODES[settings.security_mode],
    )
    if settings.trust is not None:
        client.certificate_validator = TrustFolder(settings.trust)
    else:
        client.certificate_validator = CertificateValidator(
            CertificateValidatorOptions.TIME_RANGE | CertificateValidatorOptions.URI
        )


def _load_key(file: Path) -> PrivateKeyTypes:
    data = file.read_bytes()
    is_pem = data.lstrip().startswith(b"-----")
    return load_pem_private_key(data, None) if is_pem else load_der_private_key(data, None)


async def secure_server(server: Server, settings: OpcUaOutstationSettings) -> None:
    """Prepare a server's security: nobody is an administrator, and only listed certificates may come.

    Which users may come is for `protocols.opcua.logins` to decide; clients are told here how they can.

    Raises:
        OSError, ValueError: a file cannot be read or is no certificate or key.
    """
    server.allow_remote_admin(False)
    if settings.security is Security.NONE:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.set_identity_tokens(_tokens(settings))
        return
    assert settings.certificate and settings.private_key  # checked when read
    await server.load_certificate(settings.certificate)
    await server.load_private_key(settings.private_key)
    server.set_security_policy([_ENDPOINTS[settings.security_mode][settings.security]])
    server.set_identity_tokens(_tokens(settings))
    trust = settings.trust
    server.iserver.certificate_validator = (
        TrustFolder(trust) if trust is not None else ListedCertificates(settings.client_certificates)
    )


def _tokens(settings: OpcUaOutstationSettings) -> list[type]:
    offered = (
        (ua.AnonymousIdentityToken, settings.anonymous is not Anonymous.NONE),
        (ua.UserNameIdentityToken, settings.users_file is not None),
        (ua.X509IdentityToken, settings.user_certificates is not None),
    )
    return [token for token, is_offered in offered if is_offered]


class ListedCertificates:
    """A validator that takes the certificates in some files, and no others."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._listed = {load_certificate(file) for file in files}
        self._times = CertificateValidator(CertificateValidatorOptions.TIME_RANGE | CertificateValidatorOptions.URI)

    async def __call__(self, certificate: x509.Certificate, application: ua.ApplicationDescription) -> None:
        """Return if the certificate is listed and valid now; raises ServiceError otherwise."""
        if certificate not in self._listed:
            raise ServiceError(StatusCodes.BadCertificateUntrusted)
        await self._times(certificate, application)
