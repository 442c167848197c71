"""Settings of sessions and outstations: every fault at once, with its key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from protocols.opcua import DRIVER
from protocols.opcua.settings import OpcUaSessionSettings, Security, SecurityMode, read_outstation, read_session
from protocols.opcua.users import Anonymous
from vppscada.model.errors import SettingFaults


def test_host_and_port_are_enough() -> None:
    settings = read_session({"host": "10.0.0.7", "port": 4841})
    assert settings.url == "opc.tcp://10.0.0.7:4841"
    assert settings.security is Security.NONE


def test_a_url_may_stand_for_host_port_and_path() -> None:
    settings = read_session({"url": "opc.tcp://turbine:4855/UA/Turbine/"})
    assert (settings.host, settings.port, settings.path) == ("turbine", 4855, "/UA/Turbine")


def test_host_and_port_win_over_the_url_so_that_they_can_be_overridden() -> None:
    settings = read_session({"url": "opc.tcp://turbine/UA", "host": "127.0.0.1", "port": 14840})
    assert settings.url == "opc.tcp://127.0.0.1:14840/UA"


def test_an_ipv6_address_is_bracketed() -> None:
    assert read_session({"host": "::1"}).url == "opc.tcp://[::1]:4840"


@pytest.mark.parametrize(
    "url", ["http://turbine", "turbine:4840", "opc.tcp://", "opc.tcp://a:b", "opc.tcp://user:secret@turbine", ""]
)
def test_a_url_that_is_none_is_a_fault(url: str) -> None:
    with pytest.raises(SettingFaults) as found:
        read_session({"url": url})
    assert "url" in {fault.key for fault in found.value.faults}


def test_all_faults_of_a_session_come_at_once() -> None:
    table = {
        "port": 70_000,
        "security": "Basic128Rsa15",
        "security_mode": "loud",
        "timeout_s": "4",
        "queue_size": True,
        "path": "UA",
        "password_file": "/etc/secret",
        "colour": "red",
    }
    with pytest.raises(SettingFaults) as found:
        read_session(table)
    keys = {fault.key for fault in found.value.faults}
    assert keys == {"host", "username", *table} - {"password_file"}


def test_security_wants_its_three_files() -> None:
    with pytest.raises(SettingFaults) as found:
        read_session({"host": "turbine", "security": "Basic256Sha256"})
    assert {fault.key for fault in found.value.faults} == {"certificate", "private_key", "server_certificate"}


def test_a_secured_session_is_read() -> None:
    files = {"certificate": "a.der", "private_key": "a.pem", "server_certificate": "b.der"}
    settings = read_session({"host": "turbine", "security": "Aes256Sha256RsaPss", "security_mode": "sign", **files})
    assert settings.security is Security.AES256
    assert settings.security_mode is SecurityMode.SIGN
    assert settings.server_certificate == Path("b.der")


def test_all_faults_of_an_outstation_come_at_once() -> None:
    with pytest.raises(SettingFaults) as found:
        read_outstation({"port": -1, "security": "Basic256Sha256", "client_certificates": "a.der", "index": 1})
    keys = {fault.key for fault in found.value.faults}
    assert keys == {"port", "certificate", "private_key", "client_certificates", "index"}


def test_a_session_finds_the_outstation_made_from_its_settings() -> None:
    session = OpcUaSessionSettings(host="127.0.0.1", port=14840, path="/UA")
    assert DRIVER.outstation_settings(session).url == session.url


def test_an_outstation_for_a_secured_session_cannot_be_made_up() -> None:
    with pytest.raises(ValueError, match="private key"):
        DRIVER.outstation_settings(OpcUaSessionSettings(host="h", security=Security.AES128))


SECURE = {"security": "Basic256Sha256", "certificate": "a", "private_key": "b"}
LISTENING = {**SECURE, "client_certificates": ["c"]}


def faulty_keys(read: Callable[[dict[str, object]], object], table: dict[str, object]) -> set[str]:
    with pytest.raises(SettingFaults) as found:
        read(table)
    return {fault.key for fault in found.value.faults}


def test_without_users_all_may_operate_as_ever_and_with_users_nobody_is_anonymous() -> None:
    assert read_outstation({}).anonymous is Anonymous.OPERATE
    assert read_outstation({**LISTENING, "users_file": "users"}).anonymous is Anonymous.NONE
    assert read_outstation({**LISTENING, "user_certificates": "users"}).anonymous is Anonymous.NONE
    assert read_outstation({**LISTENING, "users_file": "users", "anonymous": "read"}).anonymous is Anonymous.READ
    assert read_outstation({"anonymous": "read"}).anonymous is Anonymous.READ


def test_users_need_security_and_somebody_can_come_in() -> None:
    assert faulty_keys(read_outstation, {"users_file": "users"}) == {"users_file"}
    assert faulty_keys(read_outstation, {"user_certificates": "users"}) == {"user_certificates"}
    assert faulty_keys(read_outstation, {"anonymous": "none"}) == {"anonymous"}
    assert faulty_keys(read_outstation, {"anonymous": "all"}) == {"anonymous"}


def test_a_session_has_a_user_by_name_or_by_certificate() -> None:
    session = {**SECURE, "host": "h", "server_certificate": "s"}
    user = {"user_certificate": "u", "user_private_key": "k"}
    assert read_session({**session, **user}).user_certificate == Path("u")
    assert faulty_keys(read_session, {**session, "user_certificate": "u"}) == {"user_private_key"}
    assert faulty_keys(read_session, {**session, "user_private_key": "k"}) == {"user_certificate"}
    assert faulty_keys(read_session, {**session, **user, "username": "me"}) == {"username"}
    assert faulty_keys(read_session, {"host": "h", **user}) == {"user_certificate"}


@pytest.mark.parametrize(
    ("read", "key", "table"),
    [
        (read_session, "password_file", {"host": "h", "username": "me"}),
        (read_session, "private_key", {**SECURE, "host": "h", "server_certificate": "s"}),
        (
            read_session,
            "user_private_key",
            {**SECURE, "host": "h", "server_certificate": "s", "user_certificate": "u"},
        ),
        (read_outstation, "private_key", LISTENING),
        (read_outstation, "users_file", LISTENING),
    ],
)
def test_a_secret_that_others_can_read_is_a_fault(
    tmp_path: Path, read: Callable[[dict[str, object]], object], key: str, table: dict[str, object]
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x", encoding="utf-8")
    for mode in (0o644, 0o640, 0o604, 0o620):
        secret.chmod(mode)
        assert faulty_keys(read, {**table, key: str(secret)}) == {key}
    for mode in (0o600, 0o400):
        secret.chmod(mode)
        read({**table, key: str(secret)})
