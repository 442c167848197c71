"""node-opcua, which knows nothing of us, as server of our sessions and as client of our server, with every policy."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.opcua import DRIVER
from protocols.opcua.session import OpcUaSession
from protocols.opcua.settings import OpcUaOutstationSettings, OpcUaSessionSettings, Security, SecurityMode
from protocols.opcua.users import Anonymous, Right, user_line
from tests.contract.recorders import Recorder
from tests.interop.node_peers import NAMESPACE, NodePeer, Papers, node_peer, papers
from tests.interop.peer_processes import free_port, until
from tests.interop.test_import_opcua import SITE
from tests.interop.test_opcua import running
from tests.unit.protocols.opcua.device import POWER, ROWS, SETPOINT, URI, Handler, point
from tests.unit.protocols.opcua.test_session import batch, command
from vppscada.admin.command_line import main
from vppscada.maps import load_site
from vppscada.model.clock import PlantClock
from vppscada.model.commands import Accepted, AnalogValue, Command, CommandMode, CommandStatus, Origin
from vppscada.model.points import PointKind, Role, RowPoint
from vppscada.model.quality import Quality
from vppscada.model.sessions import SessionLost
from vppscada.model.site import Site
from vppscada.simulation.served import ServedSession
from vppscada.station.drivers import DRIVERS

pytestmark = pytest.mark.interop

POLICIES = {
    Security.BASIC256SHA256: "Basic256Sha256",
    Security.AES128: "Aes128_Sha256_RsaOaep",
    Security.AES256: "Aes256_Sha256_RsaPss",
}


POINTS = tuple(
    RowPoint(row, point(name, kind, word, NAMESPACE, node=f"WTG01.{name}"))
    for row, (name, kind, word) in enumerate(
        (
            ("ActivePower", PointKind.ANALOG_INPUT, "double"),
            ("AvailablePower", PointKind.ANALOG_INPUT, "float"),
            ("Running", PointKind.BINARY_INPUT, "boolean"),
            ("Temperature", PointKind.ANALOG_INPUT, "int16"),
            ("Starts", PointKind.COUNTER, "uint32"),
            ("Maker", PointKind.STRING, "string"),
            ("Setpoint", PointKind.ANALOG_OUTPUT, "double"),
        )
    )
)
FIRST = {0: 1234.5, 1: 1500.0, 2: 1.0, 3: -12.0, 4: 4_000_000_000.0}
ACTIVE_POWER, MAKER, LIMIT = 0, 5, 6


def session_on(port: int, **changes: object) -> OpcUaSession:
    settings = OpcUaSessionSettings("127.0.0.1", port, path="/turbine", timeout_s=5.0, publishing_interval_ms=50.0)
    return DRIVER.session("turbine", replace(settings, **changes), POINTS)  # type: ignore[arg-type]


def secured(security: Security, ours: Papers, server: Path) -> dict[str, object]:
    return {
        "security": security,
        "security_mode": SecurityMode.SIGN_AND_ENCRYPT,
        "certificate": ours.certificate,
        "private_key": ours.key,
        "application_uri": ours.uri,
        "server_certificate": server,
    }


@contextlib.asynccontextmanager
async def server(
    folder: Path, port: int, theirs: Papers, trusted: list[Papers], **told: object
) -> AsyncIterator[NodePeer]:
    given = {
        "port": port,
        "certificate": str(theirs.pem),
        "privateKey": str(theirs.key),
        "uri": theirs.uri,
        "trusted": [str(one.pem) for one in trusted],
    }
    async with node_peer(folder, "server.js", **given, **told) as peer:
        await peer.until("ready")
        yield peer


async def test_each_policy_reads_watches_and_commands(tmp_path: Path) -> None:
    ours, theirs, port = papers(tmp_path, "station"), papers(tmp_path, "turbine"), free_port()
    async with server(tmp_path, port, theirs, [ours]) as peer:
        for number, security in enumerate((Security.NONE, *POLICIES)):
            changes = {} if security is Security.NONE else secured(security, ours, theirs.certificate)
            session = session_on(port, **changes)
            async with running(session) as listener:
                await listener.until(lambda: set(range(MAKER + 1)) <= listener.value.keys())
                assert all(listener.quality[row] & Quality.ONLINE for row in listener.value)
                if number == 0:
                    assert {row: listener.value[row] for row in FIRST} == FIRST
                    assert listener.texts[MAKER] == "Ålborg"
                peer.tell(f"ActivePower {100 + number}")
                await listener.until(lambda: listener.value[ACTIVE_POWER] == 100 + number)  # noqa: B023
                assert await session.operate(command(LIMIT, AnalogValue(500.0 + number))) == Accepted()
                await peer.until(f"set Setpoint {500 + number}")


async def test_strangers_and_expired_certificates_are_refused_by_both_sides(tmp_path: Path) -> None:
    ours, theirs, other = (papers(tmp_path, name) for name in ("station", "turbine", "other"))
    port, policy = free_port(), Security.BASIC256SHA256
    async with server(tmp_path, port, theirs, [ours]):
        async with running(session_on(port, **secured(policy, ours, theirs.certificate))) as listener:
            assert listener.started
        for ours_shown, trusted in ((other, theirs), (ours, other)):
            with pytest.raises(SessionLost):
                async with running(session_on(port, **secured(policy, ours_shown, trusted.certificate))):
                    pytest.fail("a stranger came in")
    past, port = papers(tmp_path, "past", expired=True), free_port()
    async with server(tmp_path, port, past, [ours]):
        with pytest.raises(SessionLost, match=r"expired|BadCertificateTimeInvalid|in time|TimeInvalid"):
            async with running(session_on(port, **secured(policy, ours, past.certificate))):
                pytest.fail("a certificate out of its time was taken")


async def test_a_user_comes_in_with_the_right_password_only(tmp_path: Path) -> None:
    ours, theirs, port = papers(tmp_path, "station"), papers(tmp_path, "turbine"), free_port()
    password = tmp_path / "password"
    password.touch(mode=0o600)
    async with server(tmp_path, port, theirs, [ours], users={"operator": "let me in"}, anonymous=False):
        changes = secured(Security.AES256, ours, theirs.certificate) | {"password_file": password}
        password.write_text("let me in\n")
        async with running(session_on(port, **changes, username="operator")) as listener:
            assert listener.started
        password.write_text("guessed\n")
        with pytest.raises(SessionLost, match=r"BadUserAccessDenied|BadIdentityTokenRejected"):
            async with running(session_on(port, **changes, username="operator")):
                pytest.fail("a wrong password was taken")


async def test_a_server_that_comes_back_is_subscribed_again(tmp_path: Path) -> None:
    theirs, port = papers(tmp_path, "turbine"), free_port()
    session = session_on(port, timeout_s=2.0)
    async with server(tmp_path, port, theirs, []):
        listener = Recorder()
        task = asyncio.ensure_future(session.run(listener))
        await listener.until(lambda: "started" in listener.calls)
    with pytest.raises(SessionLost):
        await asyncio.wait_for(task, 20.0)
    async with server(tmp_path, port, theirs, []) as peer, running(session) as again:
        peer.tell("ActivePower 77")
        await again.until(lambda: again.value.get(ACTIVE_POWER) == 77.0)


def imported(folder: Path, url: str) -> Site:
    output = folder / "opcua_imported.csv"
    assert main(["map", "import", "opcua", url, "-o", str(output)]) == 0
    (folder / "site.toml").write_text(SITE.format(url=url))
    assert main(["check", str(folder / "site.toml")]) == 0
    return load_site(folder / "site.toml", DRIVERS)


async def in_full(site: Site) -> tuple[OpcUaSession, Recorder, "asyncio.Task[None]"]:
    """A session on everything that the map has, once every input was told."""
    [spec] = site.sessions
    session, listener = DRIVERS["opcua"].session(spec.name, spec.settings, spec.points), Recorder()
    task = asyncio.ensure_future(session.run(listener))
    await listener.until(lambda: "started" in listener.calls)
    inputs = [row for row, one in spec.points if not one.kind.is_output]
    assert len(inputs) >= 8
    await listener.until(lambda: all(listener.quality.get(row, 0) & Quality.ONLINE for row in inputs))
    return session, listener, task  # type: ignore[return-value]


async def test_it_is_imported_checked_read_in_full_commanded_and_simulated(tmp_path: Path) -> None:
    theirs, port = papers(tmp_path, "turbine"), free_port()
    async with server(tmp_path, port, theirs, []) as peer:
        site = await asyncio.to_thread(imported, tmp_path, f"opc.tcp://127.0.0.1:{port}/turbine")
        points = {one.id.removeprefix("wtg."): one for one in site.points if one.id.startswith("wtg.")}
        assert points["active_power"].role is Role.ACTIVE_POWER and points["active_power"].units == "MW"
        assert points["setpoint_command"].maximum == 2.0
        session, listener, task = await in_full(site)
        assert listener.value[site.row_of["wtg.active_power"]] == 1234.5
        row, now = site.row_of["wtg.setpoint_command"], time.monotonic()
        sent = Command(1, row, AnalogValue(750.0), CommandMode.DIRECT, Origin.OPERATOR, now, now + 10.0)
        assert await session.operate(sent) == Accepted()
        await peer.until("set Setpoint 750")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    elsewhere = {"session.wtg.url": f"opc.tcp://127.0.0.1:{free_port()}/turbine"}
    site = load_site(tmp_path / "site.toml", DRIVERS, elsewhere)
    served = ServedSession(site, "wtg", PlantClock())
    serving = asyncio.ensure_future(served.run())
    await until(lambda: served.port > 0 or serving.done(), "the simulated turbine listens")
    _, _, task = await in_full(site)
    for one in (task, serving):
        one.cancel()
        await asyncio.gather(one, return_exceptions=True)


@pytest.mark.parametrize("security", list(POLICIES))
async def test_its_client_reads_watches_and_writes_at_our_server(tmp_path: Path, security: Security) -> None:
    ours, theirs, other = (papers(tmp_path, name) for name in ("station", "client", "other"))
    handler = Handler()
    settings = OpcUaOutstationSettings(
        port=0,
        application_uri=ours.uri,
        security=security,
        certificate=ours.certificate,
        private_key=ours.key,
        client_certificates=(theirs.certificate,),
    )
    device = DRIVER.outstation("station", settings, ROWS, handler, None)
    device.update(batch([POWER], [4.0]))
    await device.start()
    told = {
        "url": f"opc.tcp://127.0.0.1:{device.port}",
        "policy": POLICIES[security],
        "mode": "SignAndEncrypt",
        "trusted": [str(ours.pem)],
    }

    def shown(one: Papers) -> dict[str, object]:
        return {**told, "certificate": str(one.pem), "privateKey": str(one.key), "uri": one.uri}

    try:
        async with node_peer(tmp_path, "client.js", **shown(theirs)) as client:
            await client.until("ready")
            index = await namespace_index(client)
            power, setpoint = f"ns={index};s=power", f"ns={index};s=sp"
            assert await client.ask(f"read {power}") == {"value": 4.0, "status": "Good"}
            client.tell(f"watch {power}")
            await client.watched(4.0)
            device.update(batch([POWER], [5.5]))
            await client.watched(5.5)
            assert await client.ask(f"write {setpoint} Float 2.5") == {"status": "Good"}
            assert handler.operated[-1].body == AnalogValue(2.5) and handler.operated[-1].row == SETPOINT
            handler.answer = CommandStatus.OUT_OF_RANGE
            refused = await client.ask(f"write {setpoint} Float 3.5")
            assert str(refused["status"]).startswith("Bad")
            assert (await client.ask(f"read {setpoint}"))["value"] == 2.5
            assert str((await client.ask(f"write {power} Float 1"))["status"]).startswith("Bad")
        async with node_peer(tmp_path, "client.js", **shown(other)) as stranger:
            assert (await stranger.line()).startswith("refused")
    finally:
        await device.stop()


async def test_its_users_read_operate_or_stay_out(tmp_path: Path) -> None:
    ours, theirs = papers(tmp_path, "station"), papers(tmp_path, "client")
    users = tmp_path / "users.txt"
    users.touch(mode=0o600)
    lines = (user_line(name, Right(right), f"of {name}") for name, right in (("op", "operate"), ("eye", "read")))
    users.write_text("".join(f"{line}\n" for line in lines))
    handler = Handler()
    settings = OpcUaOutstationSettings(
        port=0,
        application_uri=ours.uri,
        security=Security.AES256,
        certificate=ours.certificate,
        private_key=ours.key,
        client_certificates=(theirs.certificate,),
        users_file=users,
        anonymous=Anonymous.NONE,
    )
    device = DRIVER.outstation("station", settings, ROWS, handler, None)
    await device.start()
    told = {
        "url": f"opc.tcp://127.0.0.1:{device.port}",
        "policy": POLICIES[Security.AES256],
        "mode": "SignAndEncrypt",
        "trusted": [str(ours.pem)],
        "certificate": str(theirs.pem),
        "privateKey": str(theirs.key),
        "uri": theirs.uri,
    }
    try:
        for user, status in (("op", "Good"), ("eye", "BadUserAccessDenied")):
            async with node_peer(tmp_path, "client.js", **told, user=user, password=f"of {user}") as client:
                await client.until("ready")
                written = await client.ask(f"write ns={await namespace_index(client)};s=sp Float 2.5")
                assert written == {"status": status}
        assert len(handler.operated) == 1
        for stranger in ({"user": "op", "password": "guessed"}, {"user": "nobody", "password": "of op"}, {}):
            async with node_peer(tmp_path, "client.js", **told, **stranger) as client:
                assert (await client.line()).startswith("refused")
    finally:
        await device.stop()


async def namespace_index(client: NodePeer) -> int:
    """Where our namespace stands in the server's array (node i=2255)."""
    answer = await client.ask("read i=2255")
    uris = answer["value"]
    assert isinstance(uris, list)
    return uris.index(URI)
