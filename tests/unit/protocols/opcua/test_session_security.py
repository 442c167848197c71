"""Secured sessions: listed certificates, trust folders, and strangers."""

import time
from pathlib import Path

import pytest

from protocols.opcua import DRIVER
from protocols.opcua.session import OpcUaSession
from protocols.opcua.settings import OpcUaOutstationSettings, Security
from tests.unit.protocols.opcua.device import (
    POWER,
    ROWS,
    SETPOINT,
    Handler,
    make_certificate,
)
from tests.unit.protocols.opcua.test_session import batch, command, running, session_on
from vppscada.model.commands import (
    Accepted,
    AnalogValue,
)
from vppscada.model.sessions import SessionLost


async def test_a_secured_session_and_its_refusals(tmp_path: Path) -> None:
    server_cert, server_key = await make_certificate(tmp_path, "server", "urn:vppscada:outstation")
    ours, our_key = await make_certificate(tmp_path, "ours", "urn:vppscada:station")
    other, other_key = await make_certificate(tmp_path, "other", "urn:vppscada:station")
    settings = OpcUaOutstationSettings(
        port=0,
        security=Security.BASIC256SHA256,
        certificate=server_cert,
        private_key=server_key,
        client_certificates=(ours,),
    )
    device = DRIVER.outstation("device", settings, ROWS, Handler(), None)
    device.update(batch([POWER], [4.0]))
    await device.start()

    def session(certificate: Path, key: Path, trusted: Path) -> OpcUaSession:
        return session_on(
            device,
            security=Security.BASIC256SHA256,
            certificate=certificate,
            private_key=key,
            server_certificate=trusted,
            timeout_s=4.0,
        )

    try:
        trusted = session(ours, our_key, server_cert)
        async with running(trusted) as (listener, _):
            assert listener.value[POWER] == 4.0
            assert await trusted.operate(command(SETPOINT, AnalogValue(3.0))) == Accepted()
        for stranger in (session(other, other_key, server_cert), session(ours, our_key, other), session_on(device)):
            with pytest.raises(SessionLost):
                async with running(stranger):
                    pytest.fail("a stranger came in")
    finally:
        await device.stop()


@pytest.mark.parametrize("security", [Security.BASIC256SHA256, Security.AES128, Security.AES256])
async def test_strangers_become_peers_when_an_engineer_moves_their_certificates(
    tmp_path: Path, security: Security
) -> None:
    theirs, their_key = await make_certificate(tmp_path, "server", "urn:vppscada:outstation")
    ours, our_key = await make_certificate(tmp_path, "client", "urn:vppscada:station")
    for side in ("client_pki", "server_pki"):
        (tmp_path / side / "trusted").mkdir(parents=True)
    settings = OpcUaOutstationSettings(
        port=0, security=security, certificate=theirs, private_key=their_key, trust=tmp_path / "server_pki"
    )
    device = DRIVER.outstation("device", settings, ROWS, Handler(), None)
    device.update(batch([POWER], [4.0]))
    await device.start()
    try:
        for side in ("server_pki", "client_pki"):  # the server looks first
            stranger = session_on(
                device, security=security, certificate=ours, private_key=our_key, trust=tmp_path / "client_pki"
            )
            with pytest.raises(SessionLost):
                async with running(stranger):
                    pytest.fail("a stranger came in")
            [kept] = (tmp_path / side / "rejected").iterdir()
            kept.rename(tmp_path / side / "trusted" / kept.name)
        peer = session_on(
            device, security=security, certificate=ours, private_key=our_key, trust=tmp_path / "client_pki"
        )
        async with running(peer) as (listener, _):
            assert listener.value[POWER] == 4.0
            assert peer.statistics["certificate_expires_s"] > time.time()
    finally:
        await device.stop()
