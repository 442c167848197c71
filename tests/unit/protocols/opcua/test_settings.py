"""Settings of sessions and outstations: every fault at once, with its key."""

from pathlib import Path

import pytest

from protocols.opcua import DRIVER
from protocols.opcua.settings import OpcUaSessionSettings, Security, SecurityMode, read_outstation, read_session
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
