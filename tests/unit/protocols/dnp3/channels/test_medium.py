"""Settings of media: what a table may say, and every fault at once."""

from pathlib import Path

import pytest

from protocols.dnp3 import DRIVER
from protocols.dnp3.channels import Medium, MediumKind, MediumRole, SerialSettings, TlsSettings, Transport
from protocols.dnp3.channels.medium import FlowControl, Parity
from protocols.dnp3.link_sending import LinkSettings
from protocols.dnp3.master.config import Dnp3SessionSettings
from protocols.dnp3.outstation.config import Dnp3OutstationSettings
from vppscada.model.errors import SettingFaults

FILES = {"certificate": "m.pem", "key": "m.key", "ca": "ca.pem"}


def session(**table: object) -> Dnp3SessionSettings:
    return DRIVER.read_session(table)


def faults(**table: object) -> set[str]:
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_session(table)
    return {fault.key for fault in caught.value.faults}


def test_a_session_dials_and_an_outstation_listens_on_tcp_unless_told_otherwise() -> None:
    assert session(host="h").transport == Transport(MediumKind.TCP, MediumRole.CLIENT)
    assert DRIVER.read_outstation({}).transport == Transport(MediumKind.TCP, MediumRole.SERVER)
    assert session(host="h", role="server").transport.role is MediumRole.SERVER
    assert DRIVER.read_outstation({"role": "client", "host": "h"}).transport.role is MediumRole.CLIENT


def test_tls_needs_its_files() -> None:
    assert faults(host="h", medium="tls") == {"certificate", "key", "ca"}
    fingerprint = "AB:" * 31 + "AB"
    read = session(host="h", medium="tls", peer_fingerprint=fingerprint, peer_name="rtu", tls_minimum="1.3", **FILES)
    expected = TlsSettings(Path("m.pem"), Path("m.key"), Path("ca.pem"), "rtu", "ab" * 32, "1.3")
    assert read.transport.tls == expected
    assert faults(host="h", medium="tls", peer_fingerprint="ab", tls_minimum="1.1", **FILES) == {
        "peer_fingerprint",
        "tls_minimum",
    }


def test_files_of_tls_mean_nothing_elsewhere() -> None:
    assert faults(host="h", **FILES) == set(FILES)


def test_a_serial_line_needs_a_device_and_no_host() -> None:
    assert faults(medium="serial") == {"device"}
    read = session(medium="serial", device="/dev/ttyS1", baud=1200, parity="even", flow_control="rts_cts", stop_bits=2)
    line = SerialSettings("/dev/ttyS1", 1200, 8, Parity.EVEN, 2, FlowControl.RTS_CTS)
    assert read.transport.serial == line
    assert faults(medium="serial", device="d", baud=1, data_bits=9, parity="mark", stop_bits=3, flow_control=1) == {
        "baud",
        "data_bits",
        "parity",
        "stop_bits",
        "flow_control",
    }


def test_udp_has_a_port_of_its_own_as_client_and_a_peer_as_server() -> None:
    assert session(host="h", medium="udp", local_port=20000).transport.local_port == 20000
    assert session(host="h", medium="udp", role="server", peer_host="10.0.0.9").transport.peer_host == "10.0.0.9"
    assert faults(host="h", medium="udp", peer_host="10.0.0.9") == {"peer_host"}


def test_sessions_on_one_medium_have_equal_media_whatever_else_differs() -> None:
    media = [session(host="h", remote_address=a, connect_timeout_s=float(a)).medium for a in (11, 12)]
    assert media[0] == media[1]
    assert session(host="h", channel="b").medium != session(host="h", channel="a").medium


def test_a_backup_path_is_a_medium_of_its_own() -> None:
    read = session(host="h", backup={"host": "b", "port": 20001}, backup_check_s=3.0)
    assert read.backup == Medium(Transport(), "b", 20001)
    assert read.backup_check_s == 3.0
    assert session(host="h").backup is None
    serial = session(host="h", backup={"medium": "serial", "device": "/dev/ttyS0"}).backup
    assert serial is not None
    assert serial.transport.kind is MediumKind.SERIAL


def test_faults_of_a_backup_path_say_where_they_are() -> None:
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_session({"host": "h", "backup": {"port": 0, "colour": "red"}})
    assert {(fault.key, fault.found.split(":")[0]) for fault in caught.value.faults} == {
        ("backup", "host"),
        ("backup", "port"),
        ("backup", "colour"),
    }
    assert faults(host="h", backup="b") == {"backup"}


def test_settings_of_the_link_layer_are_those_of_either_role() -> None:
    table = {"link_confirm": "always", "link_retries": 1, "link_timeout_s": 0.5}
    expected = LinkSettings("always", 1, 0.5)
    assert session(host="h", **table).link == expected
    read = DRIVER.read_outstation({**table, "self_address": True, "keepalive_s": 30})
    assert (read.link, read.self_address, read.keepalive_s) == (expected, True, 30)
    with pytest.raises(SettingFaults) as caught:
        DRIVER.read_outstation({"link_confirm": 1, "self_address": 1, "medium": "tls", "keepalive_s": -1, "x": 1})
    keys = {fault.key for fault in caught.value.faults}
    assert keys == {"link_confirm", "self_address", "certificate", "key", "ca", "keepalive_s", "x"}


@pytest.mark.parametrize(
    "table",
    [
        {"host": "h"},
        {"host": "h", "role": "server"},
        {"host": "h", "medium": "udp"},
        {"host": "h", "medium": "tls", "link_confirm": "always", **FILES},
        {"medium": "serial", "device": "/dev/a", "far_device": "/dev/b"},
    ],
)
def test_a_simulation_serves_what_a_session_looks_for(table: dict[str, object]) -> None:
    read = DRIVER.read_session(table)
    served = DRIVER.outstation_settings(read)
    assert isinstance(served, Dnp3OutstationSettings)
    assert served.transport.kind is read.transport.kind
    assert served.transport.role is not read.transport.role
    assert (served.host, served.port, served.link) == (read.host, read.port, read.link)
