"""Mutual TLS: who is let in and who is not, on both sides, and peers that stop halfway."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from protocols.dnp3.channels import (
    Channel,
    ChannelClosed,
    Listener,
    Medium,
    MediumKind,
    MediumRole,
    TlsSettings,
    Transport,
    connect,
    listen,
)
from protocols.dnp3.channels.certificates import holds_name, tls_context
from protocols.dnp3.channels.tls import TlsChannel
from tests.unit.protocols.dnp3.channels.authority import Authority
from tests.unit.protocols.dnp3.channels.media import FRAME, PATIENCE_S


class Server:
    """A listener, what it let in and what it counted."""

    def __init__(self, listener: Listener, channels: asyncio.Queue[Channel], statistics: Counter[str]) -> None:
        self.port = listener.port
        self.channels = channels
        self.statistics = statistics

    async def next(self) -> Channel:
        async with asyncio.timeout(PATIENCE_S):
            return await self.channels.get()


@asynccontextmanager
async def serving(settings: TlsSettings, timeout_s: float = 5.0) -> AsyncIterator[Server]:
    channels: asyncio.Queue[Channel] = asyncio.Queue()
    statistics: Counter[str] = Counter()
    medium = Medium(Transport(MediumKind.TLS, MediumRole.SERVER, tls=settings), "127.0.0.1", 0, timeout_s)
    listener = await listen(medium, channels.put_nowait, statistics)
    try:
        yield Server(listener, channels, statistics)
    finally:
        await listener.close()
        while not channels.empty():
            await channels.get_nowait().close()


async def dial(settings: TlsSettings, port: int, statistics: Counter[str] | None = None) -> Channel:
    medium = Medium(Transport(MediumKind.TLS, tls=settings), "127.0.0.1", port)
    return await connect(medium, Counter() if statistics is None else statistics)


async def refused(settings: TlsSettings, port: int) -> None:
    """The server does not have us: the handshake fails, or (TLS 1.3) seems to succeed and the first read tells."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            channel = await dial(settings, port)
        except ConnectionError:
            return
        with pytest.raises(ChannelClosed):
            await channel.read()


@pytest.mark.parametrize("minimum", ["1.2", "1.3"])
async def test_both_sides_with_good_certificates_talk(minimum: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    outstation = authority.settings("outstation", "127.0.0.1", minimum=minimum)
    async with serving(outstation) as server:
        client = await dial(authority.settings("master"), server.port)
        client.write(FRAME)
        other = await server.next()
        assert await other.read() == FRAME
        assert isinstance(other, TlsChannel)
        assert other._transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await client.close()
        with pytest.raises(ChannelClosed):
            await other.read()


async def test_the_older_side_decides_on_tls_1_2_unless_the_other_forbids_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("old", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(authority.file)
    context.load_cert_chain(certificate, key)
    settings = authority.settings("outstation", "127.0.0.1")
    async with serving(settings) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
        await server.next()
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
        writer.close()
    async with serving(replace(settings, minimum="1.3")) as server:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
        assert server.channels.empty()


async def test_a_client_of_another_authority_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    stranger = replace(Authority(tmp_path, "elsewhere").settings("stranger"), ca=authority.file)
    async with serving(authority.settings("outstation", "127.0.0.1")) as server:
        await refused(stranger, server.port)
        assert server.channels.empty()
        assert server.statistics["tls_handshakes_failed"] == 1


async def test_a_client_whose_certificate_is_expired_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with serving(authority.settings("outstation", "127.0.0.1")) as server:
        await refused(authority.settings("late", expired=True), server.port)
        assert server.channels.empty()
        assert server.statistics["tls_handshakes_failed"] == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_without_certificate_is_refused(version: ssl.TLSVersion, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.load_verify_locations(authority.file)
    async with serving(authority.settings("outstation", "127.0.0.1")) as server, asyncio.timeout(PATIENCE_S):
        with pytest.raises((ssl.SSLError, ConnectionError)):  # with 1.3 only the read tells
            reader, _ = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
            if not await reader.read(1):
                raise ConnectionError
        assert server.channels.empty()


async def test_a_server_of_another_authority_is_refused(tmp_path: Path) -> None:
    authority, elsewhere = Authority(tmp_path), Authority(tmp_path, "elsewhere")
    statistics: Counter[str] = Counter()
    async with serving(elsewhere.settings("impostor", "127.0.0.1")) as server:
        with pytest.raises(ConnectionError, match="certificate verify failed"):
            await dial(authority.settings("master"), server.port, statistics)
        assert server.channels.empty()
    assert statistics["tls_handshakes_failed"] == 1


async def test_a_server_whose_certificate_is_expired_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with serving(authority.settings("outstation", "127.0.0.1", expired=True)) as server:
        with pytest.raises(ConnectionError, match="expired"):
            await dial(authority.settings("master"), server.port)


async def test_a_server_must_hold_the_name_that_was_dialled_or_the_one_that_is_expected(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    master = authority.settings("master")
    async with serving(authority.settings("rtu7", "rtu7.example")) as server:
        with pytest.raises(ConnectionError, match=r"does not hold the name 127\.0\.0\.1"):
            await dial(master, server.port)
        for name in ("rtu7.example", "RTU7.example", "*"):
            await (await dial(replace(master, peer_name=name), server.port)).close()
        with pytest.raises(ConnectionError, match="rtu8"):
            await dial(replace(master, peer_name="rtu8.example"), server.port)


async def test_a_server_may_expect_a_name_of_its_clients(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    settings = authority.settings("outstation", "127.0.0.1", peer_name="master.example")
    async with serving(settings) as server:
        await refused(authority.settings("other", "other.example"), server.port)
        assert server.statistics["tls_peers_refused"] == 1
        assert server.channels.empty()
        client = await dial(authority.settings("master", "master.example"), server.port)
        await server.next()
        await client.close()


async def test_a_fingerprint_admits_one_certificate_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    outstation = authority.settings("outstation", "127.0.0.1")
    certificate = x509.load_pem_x509_certificate(outstation.certificate.read_bytes())
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    async with serving(outstation) as server:
        await (await dial(authority.settings("master", peer_fingerprint=fingerprint), server.port)).close()
        with pytest.raises(ConnectionError, match=f"fingerprint {fingerprint}"):
            await dial(authority.settings("master", peer_fingerprint="0" * 64), server.port)


@pytest.mark.parametrize("first_words", [b"", b"\x16\x03\x01", b"GET / HTTP/1.0\r\n\r\n", FRAME])
async def test_a_peer_that_never_finishes_its_handshake_goes_and_holds_nobody_up(
    first_words: bytes, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    async with serving(authority.settings("outstation", "127.0.0.1"), timeout_s=0.3) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(first_words)
        client = await dial(authority.settings("master"), server.port)
        await server.next()
        async with asyncio.timeout(PATIENCE_S):
            while await reader.read(100):  # an alert, perhaps
                pass
        assert server.statistics["tls_handshakes_failed"] == 1
        writer.close()
        await client.close()


async def test_handshakes_under_way_are_bounded(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with serving(authority.settings("outstation", "127.0.0.1")) as server:
        talks = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(40)]
        dropped = 0
        async with asyncio.timeout(PATIENCE_S):
            for reader, _ in talks[32:]:
                try:
                    dropped += not await reader.read(1)
                except ConnectionError:
                    dropped += 1
        assert dropped == 8
        assert server.statistics["tls_handshakes_dropped"] == 8
        for _, writer in talks:
            writer.transport.abort()


@pytest.mark.parametrize("missing", ["certificate", "key", "ca"])
async def test_a_file_that_cannot_be_used_is_named(missing: str, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    good = authority.settings("outstation")
    (tmp_path / "nonsense").write_text("no certificate")
    for bad in (tmp_path / "nowhere", tmp_path / "nonsense"):
        settings = replace(good, **{missing: bad})  # type: ignore[arg-type]
        with pytest.raises(ConnectionError, match=bad.name):
            await dial(settings, 1)
        with pytest.raises(OSError, match=bad.name):
            tls_context(settings, server=True)


def test_names_are_compared_whole() -> None:
    named = {"subject": ((("commonName", "rtu7"),),)}
    assert holds_name(named, "rtu7")
    assert not holds_name(named, "rtu70")
    alternatives = {**named, "subjectAltName": (("DNS", "*.example"), ("IP Address", "0:0:0:0:0:0:0:1"))}
    assert holds_name(alternatives, "::1")
    assert not holds_name(alternatives, "a.example")
    assert not holds_name(alternatives, "rtu7")
    assert not holds_name(alternatives, "10.0.0.1")
    assert not holds_name({}, "rtu7")
