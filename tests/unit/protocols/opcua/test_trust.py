"""The trust folder: who is taken, who is refused and kept for an engineer to look at, and when certificates end."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from protocols.opcua.settings import read_outstation, read_session
from protocols.opcua.trust import MOST_REJECTED, TrustFolder, first_expiry_s, load_certificate
from vppscada.model.errors import SettingFaults

URI = "urn:peer"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def application(uri: str = URI) -> ua.ApplicationDescription:
    described = ua.ApplicationDescription()
    described.ApplicationUri = uri
    described.ApplicationType = ua.ApplicationType.Client
    return described


class Authority:
    """Signs certificates, or itself."""

    def __init__(self, name: str = "Authority") -> None:
        self.key = rsa.generate_private_key(65_537, 2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        is_authority = x509.BasicConstraints(True, None)
        self.certificate = self._sign(self.name, self.key, (NOW - DAY, NOW + 100 * DAY), is_authority)

    def issue(self, name: str = "peer", begins: datetime = NOW - DAY, ends: datetime = NOW + DAY) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(URI)])
        return self._sign(subject, rsa.generate_private_key(65_537, 2048), (begins, ends), own)

    def _sign(
        self,
        subject: x509.Name,
        key: rsa.RSAPrivateKey,
        times: tuple[datetime, datetime],
        extension: x509.ExtensionType,
    ) -> x509.Certificate:
        number = x509.random_serial_number()
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), number, *times)
        return builder.add_extension(extension, critical=False).sign(self.key, hashes.SHA256())

    def revoke(self, certificate: x509.Certificate) -> x509.CertificateRevocationList:
        entry = x509.RevokedCertificateBuilder(certificate.serial_number, NOW).build()
        builder = x509.CertificateRevocationListBuilder(self.name, NOW, NOW + DAY)
        return builder.add_revoked_certificate(entry).sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def trusting(folder: Path, *certificates: x509.Certificate) -> TrustFolder:
    (folder / "trusted").mkdir()
    for number, one in enumerate(certificates):
        put(folder / "trusted" / f"{number}.der", one)
    return TrustFolder(folder)


def put(file: Path, one: x509.Certificate) -> Path:
    file.write_bytes(one.public_bytes(serialization.Encoding.DER))
    return file


async def refusal(folder: TrustFolder, certificate: x509.Certificate, uri: str = URI) -> int:
    with pytest.raises(ServiceError) as refused:
        await folder(certificate, application(uri))
    return int(refused.value.code)


async def test_a_certificate_that_a_trusted_authority_signed_is_taken(tmp_path: Path, authority: Authority) -> None:
    await trusting(tmp_path, authority.certificate)(authority.issue(), application())
    assert not (tmp_path / "rejected").exists()


async def test_a_stranger_is_refused_and_taken_once_he_was_moved_to_the_trusted(
    tmp_path: Path, authority: Authority
) -> None:
    folder = trusting(tmp_path, authority.certificate)
    stranger = Authority().issue("stranger")
    assert await refusal(folder, stranger) == StatusCodes.BadCertificateUntrusted
    assert await refusal(folder, stranger) == StatusCodes.BadCertificateUntrusted
    [kept] = (tmp_path / "rejected").iterdir()
    assert load_certificate(kept) == stranger
    shutil.move(kept, tmp_path / "trusted")
    await folder(stranger, application())


@pytest.mark.parametrize(("begins", "ends"), [(NOW - 3 * DAY, NOW - DAY), (NOW + DAY, NOW + 3 * DAY)])
async def test_a_trusted_certificate_out_of_its_time_is_refused(
    tmp_path: Path, authority: Authority, begins: datetime, ends: datetime
) -> None:
    folder = trusting(tmp_path, authority.certificate)
    late = authority.issue(begins=begins, ends=ends)
    assert await refusal(folder, late) == StatusCodes.BadCertificateTimeInvalid


async def test_a_certificate_of_another_application_is_refused(tmp_path: Path, authority: Authority) -> None:
    folder = trusting(tmp_path, authority.certificate)
    assert await refusal(folder, authority.issue(), "urn:other") == StatusCodes.BadCertificateUriInvalid


@pytest.mark.parametrize("name", ["a.der", "a.pem", "a.crl", "revoked"])
@pytest.mark.parametrize("form", [serialization.Encoding.DER, serialization.Encoding.PEM])
async def test_a_revoked_certificate_is_refused_whatever_the_list_is_called(
    tmp_path: Path, authority: Authority, name: str, form: serialization.Encoding
) -> None:
    folder, peer = trusting(tmp_path, authority.certificate), authority.issue()
    await folder(peer, application())
    revoking(tmp_path, authority.revoke(peer).public_bytes(form), name)
    assert await refusal(folder, peer) == StatusCodes.BadCertificateRevoked
    await folder(authority.issue("another"), application())


async def test_every_list_of_a_file_counts(tmp_path: Path, authority: Authority) -> None:
    folder, peers = trusting(tmp_path, authority.certificate), (authority.issue(), authority.issue())
    lists = (authority.revoke(each).public_bytes(serialization.Encoding.PEM) for each in peers)
    revoking(tmp_path, b"# lists\n" + b"".join(lists))
    for each in peers:
        assert await refusal(folder, each) == StatusCodes.BadCertificateRevoked


async def test_a_list_of_another_authority_revokes_nothing_of_this_one(tmp_path: Path, authority: Authority) -> None:
    folder, peer = trusting(tmp_path, authority.certificate), authority.issue()
    revoking(tmp_path, Authority("Another").revoke(peer).public_bytes(serialization.Encoding.DER))
    await folder(peer, application())


async def test_while_a_list_is_forged_or_unreadable_nobody_is_taken(tmp_path: Path, authority: Authority) -> None:
    folder, peer = trusting(tmp_path, authority.certificate), authority.issue()
    for content in (Authority().revoke(peer).public_bytes(serialization.Encoding.DER), b"nothing", b"-----BEGIN "):
        file = revoking(tmp_path, content)
        assert await refusal(folder, authority.issue()) == StatusCodes.BadCertificateUntrusted
        file.unlink()
    await folder(peer, application())


@pytest.mark.parametrize("name", ["ca.crt", "ca.cer", "ca"])
async def test_an_authority_is_trusted_whatever_its_file_is_called(
    tmp_path: Path, authority: Authority, name: str
) -> None:
    folder = trusting(tmp_path)
    put(tmp_path / "trusted" / name, authority.certificate)
    (tmp_path / "trusted" / ".gitkeep").touch()
    await folder(authority.issue(), application())


def revoking(folder: Path, content: bytes, name: str = "list") -> Path:
    (folder / "crl").mkdir(exist_ok=True)
    file = folder / "crl" / name
    file.write_bytes(content)
    return file


async def test_a_folder_that_is_empty_or_unreadable_trusts_nobody(tmp_path: Path, authority: Authority) -> None:
    assert await refusal(TrustFolder(tmp_path / "none"), authority.issue()) == StatusCodes.BadCertificateUntrusted
    folder = trusting(tmp_path, authority.certificate)
    (tmp_path / "trusted" / "bad.der").write_bytes(b"no certificate")
    assert await refusal(folder, authority.issue()) == StatusCodes.BadCertificateUntrusted


async def test_no_more_than_so_many_strangers_are_kept(tmp_path: Path, authority: Authority) -> None:
    folder = trusting(tmp_path, authority.certificate)
    (tmp_path / "rejected").mkdir()
    for number in range(MOST_REJECTED):
        (tmp_path / "rejected" / str(number)).touch()
    await refusal(folder, Authority().issue())
    assert len(list((tmp_path / "rejected").iterdir())) == MOST_REJECTED


def test_the_first_end_of_several_certificates_counts(tmp_path: Path, authority: Authority) -> None:
    soon, late = authority.issue(ends=NOW + DAY), authority.issue(ends=NOW + 9 * DAY)
    ours = put(tmp_path / "ours.der", late)
    theirs = soon.public_bytes(serialization.Encoding.DER)
    assert first_expiry_s((ours,)) == int(late.not_valid_after_utc.timestamp())
    assert first_expiry_s((ours, None), (theirs, None)) == int(soon.not_valid_after_utc.timestamp())
    assert first_expiry_s((tmp_path / "none", None), (b"none",)) == 0


SECURE = {"host": "h", "security": "Basic256Sha256", "certificate": "a", "private_key": "b"}


def test_security_needs_a_listed_certificate_or_a_trust_folder_and_not_both() -> None:
    assert read_session({**SECURE, "trust": "pki"}).trust == Path("pki")
    assert read_outstation({**SECURE, "trust": "pki"}).trust == Path("pki")
    for read, key, value in (
        (read_session, "server_certificate", "s"),
        (read_outstation, "client_certificates", ["s"]),
    ):
        with pytest.raises(SettingFaults, match=key):
            read(SECURE)
        with pytest.raises(SettingFaults, match="trust"):
            read({**SECURE, key: value, "trust": "pki"})
