"""node-opcua's server and client in processes of their own, with the certificates that they and we show."""

import asyncio
import contextlib
import datetime
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.interop.peer_processes import PATIENCE_S

HERE = Path(__file__).with_name("node_opcua")
NAMESPACE = "urn:turbines:node"
SAID = "peer "  # begins the lines that are meant for us
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Papers:
    """A certificate (DER and PEM) with its key."""

    uri: str
    certificate: Path
    pem: Path
    key: Path


def papers(folder: Path, name: str, *, expired: bool = False) -> Papers:
    """A self-signed certificate of the application ``urn:test:<name>``."""
    uri, now = f"urn:test:{name}", datetime.datetime.now(datetime.UTC)
    begins, ends = (now - 3 * _DAY, now - _DAY) if expired else (now - _DAY, now + 100 * _DAY)
    key = rsa.generate_private_key(65_537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    number = x509.random_serial_number()
    uses = x509.KeyUsage(True, True, True, True, False, True, False, False, False)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), number, begins, ends)
    for extension in (
        x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName("127.0.0.1")]),
        x509.BasicConstraints(False, None),
        uses,
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
    ):
        builder = builder.add_extension(extension, critical=False)
    made = builder.sign(key, hashes.SHA256())
    found = Papers(uri, *(folder / f"{name}{end}" for end in (".der", ".crt.pem", ".key.pem")))
    found.certificate.write_bytes(made.public_bytes(serialization.Encoding.DER))
    found.pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    found.key.touch(mode=0o600)
    found.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    return found


class NodePeer:
    """One of them, running; what it says is read line by line."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self._log = log

    async def line(self) -> str:
        """The next line that it says; what the library itself prints is passed over."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = (await self.process.stdout.readline()).decode()
                assert found, f"node-opcua ended: {self._log.read_text()[-2000:]}"
                if found.startswith(SAID):
                    return found.removeprefix(SAID).strip()

    async def until(self, wanted: str) -> None:
        """Read on until it says this."""
        while await self.line() != wanted:
            pass

    async def ask(self, request: str) -> dict[str, object]:
        """The answer of the client to a request; values of watched nodes that come first are passed over."""
        self.tell(request)
        while True:
            answer: dict[str, object] = json.loads(await self.line())
            if "watched" not in answer:
                return answer

    async def watched(self, value: object) -> dict[str, object]:
        """What it tells of a watched node when that has this value."""
        while True:
            told: dict[str, object] = json.loads(await self.line())
            if told.get("value") == value:
                return told

    def tell(self, line: str) -> None:
        """A line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())


@contextlib.asynccontextmanager
async def node_peer(folder: Path, script: str, **told: object) -> AsyncIterator[NodePeer]:
    """``server.js`` or ``client.js``, told this; killed at the end."""
    node = shutil.which("node")
    assert node, "no Node.js: `make peers` says what it needs"
    log = folder / f"{script}.log"
    told.setdefault("pki", str(folder / f"pki-{script}"))
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            node, str(HERE / script), json.dumps(told),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    try:
        yield NodePeer(process, log)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
